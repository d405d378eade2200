/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections that come to the stack. One whose client is masqueraded and that goes around it needs
 * two rows only: they tell both its packets as they come in. What is to be known as it leaves the
 * stack gets its rows when there is such a packet.
 */
#ifndef EBPF_PROXY_STACK_H
#define EBPF_PROXY_STACK_H

#include "claim.h"

/* Keeps what was chosen, or gives the choice back to the next packet where that is nothing. False
 * where the connection has ended, and its record may be another's. */
static __always_inline bool stack_settle(struct connection *connection, const struct found *found,
					 const struct connection *chosen)
{
	struct connection_lock *lock = lock_of(found->id);
	bool is_same = false;

	if (!lock)
		return false;
	bpf_spin_lock(&lock->lock);
	if (connection->generation == found->generation) {
		is_same = true;
		if (chosen) {
			connection->inner_port = chosen->inner_port;
			connection->flags &= ~CONNECTION_AROUND;
		} else {
			connection->flags &= ~CONNECTION_STACK_CLAIMED;
		}
	}
	bpf_spin_unlock(&lock->lock);
	return is_same;
}

/* Whether another CPU has added the rows since the connection was found. */
static __always_inline bool stack_is_entered(const struct connection *connection,
					     struct found *found)
{
	__u8 flags = READ_ONCE(connection->flags);

	if (flags & CONNECTION_AROUND || READ_ONCE(connection->generation) != found->generation)
		return false;
	found->flags = flags;
	return true;
}

/* Adds the rows of the connection in the scratch by which its packets are known on their way out of
 * the stack, where that was not done yet. */
__noinline int stack_ensure(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	struct connection *connection, *chosen;
	enum reason reason;
	struct found *found;
	struct flow flow = {};

	if (!scratch || !skb)
		return REASON_NOT_REWRITABLE;
	found = &scratch->found;
	connection = connection_at(found->id);
	chosen = &scratch->old;
	if (!connection)
		return REASON_NOT_REWRITABLE;
	if (!connection_claim(connection, found, CONNECTION_STACK_CLAIMED, chosen))
		return stack_is_entered(connection, found) ? REASON_TRANSLATED
							   : REASON_NOT_REWRITABLE;
	flow.connection = found->id;
	flow.generation = found->generation;
	reason = stack_rows_claim(skb, scratch, chosen, &flow);
	if (reason == REASON_TRANSLATED && stack_settle(connection, found, chosen)) {
		found->flags &= ~CONNECTION_AROUND;
		return REASON_TRANSLATED;
	}
	/* Before another packet may try: its rows would have the same name. */
	flow_remove(chosen, &flow, FLOW_FORWARD);
	flow_remove(chosen, &flow, FLOW_ANSWER);
	stack_settle(connection, found, NULL);
	return reason == REASON_TRANSLATED ? REASON_NO_CONNECTION : reason;
}

#endif
