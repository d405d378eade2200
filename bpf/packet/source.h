/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The address and port behind which a client is masqueraded: chosen when its first packet leaves.
 * Where its port had a connection to the same backend before, it goes on with what that one had, as
 * the backend sees clients that are not masqueraded do.
 */
#ifndef EBPF_PROXY_SOURCE_H
#define EBPF_PROXY_SOURCE_H

#include "claim.h"

/* About as many as the kernel's own masquerade makes (nf_nat_l4proto_unique_tuple): with nineteen
 * of twenty ports to one backend taken, one flow in two hundred thousand finds none. */
#define SOURCE_PORT_ATTEMPTS 240

/* How many of these leave the ports of connections that are closing to them. */
#define SOURCE_PORT_EASY_ATTEMPTS 32

/* Whether two connections are of one port of a client to one port of a backend. */
static __always_inline bool has_same_ends(const struct connection *a, const struct connection *b)
{
	return a->client_port == b->client_port && a->backend_port == b->backend_port &&
	       address_equal(&a->client, &b->client) && address_equal(&a->backend, &b->backend);
}

/* Whether the source of a connection that was ended may be the next one's: not a port that is not
 * of the range any more. */
static __always_inline bool keeps_source(const struct connection *ended)
{
	return ended->flags & CONNECTION_SOURCE_CHOSEN &&
	       (ended->protocol == IPPROTO_SCTP || is_source_port(ended->source_port));
}

/* Takes over what the connection that the packet in the scratch has ended had at the same backend:
 * the client's port there, and the source, with the row by which its answers are known. Whether
 * that still fits is seen when the packet leaves. Not of one that was silent until it was over: the
 * kernel may know others by these ends since, and is asked about what is chosen alone. */
static __noinline void ends_inherit(struct scratch *scratch, struct connection *connection,
				    const struct flow *flow)
{
	union flow_word row = {.flow = *flow};
	const struct connection *ended = &scratch->old;

	if (!scratch->has_ended || !has_same_ends(ended, connection) ||
	    connection_is_over(ended, scratch->now_ns))
		return;
	if (!(ended->flags & CONNECTION_AROUND))
		connection->inner_port = ended->inner_port;
	if (!(connection->flags & CONNECTION_MASQUERADE) || !keeps_source(ended))
		return;
	connection->source = ended->source;
	connection->source_port = ended->source_port;
	row.flow.role = FLOW_RETURN;
	flow_key_of(connection, FLOW_RETURN, &scratch->row);
	if (!row_inherit(scratch, flow_digest(&scratch->row), row.word))
		connection->source_port = 0;
}

/* Gives up the source that a connection took over. False where the connection has ended: who ended
 * it removes the row. */
static __always_inline bool source_forget(struct connection *connection, const struct found *found)
{
	struct connection_lock *lock = lock_of(found->id);
	bool is_same = false;

	if (!lock)
		return false;
	bpf_spin_lock(&lock->lock);
	if (connection->generation == found->generation) {
		is_same = true;
		connection->source_port = 0;
	}
	bpf_spin_unlock(&lock->lock);
	return is_same;
}

/* Gives the choice back to the next packet; or keeps what was chosen, where there is something.
 * False where the connection has ended, and its record may be another's. */
static __always_inline bool source_settle(struct connection *connection, const struct found *found,
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
			connection->source = chosen->source;
			connection->source_port = chosen->source_port;
			connection->flags |= CONNECTION_SOURCE_CHOSEN;
		} else {
			connection->flags &= ~CONNECTION_SOURCE_CLAIMED;
		}
	}
	bpf_spin_unlock(&lock->lock);
	return is_same;
}

/* Tries a port for the connection in the scratch: 1 where no other connection to the backend has
 * it, or one that is closing and may be made to end, nor one that the kernel masquerades. A
 * protocol whose checksum holds the port keeps its own.
 */
__noinline int source_port_try(struct __sk_buff *skb, __u32 random, bool ends_closing)
{
	struct scratch *scratch = scratch_get();
	union flow_word row = {.flow.role = FLOW_RETURN};
	struct connection *chosen;
	struct flow_key key;

	if (!scratch)
		return 0;
	chosen = &scratch->old;
	chosen->source_port =
		chosen->protocol == IPPROTO_SCTP ? chosen->inner_port : source_port_of(random);
	flow_key_of(chosen, FLOW_RETURN, &key);
	row.flow.connection = scratch->found.id;
	row.flow.generation = scratch->found.generation;
	return conntrack_ask(skb, &key) == CONNTRACK_UNKNOWN &&
	       !flow_claim(scratch, &key, row.word, ends_closing);
}

static __always_inline bool source_port_take(struct __sk_buff *skb, __u8 protocol)
{
	for (int attempt = 0; attempt < SOURCE_PORT_ATTEMPTS; attempt++) {
		if (source_port_try(skb, bpf_get_prandom_u32(),
				    attempt >= SOURCE_PORT_EASY_ATTEMPTS))
			return true;
		if (protocol == IPPROTO_SCTP)
			return false;
	}
	return false;
}

static __always_inline bool device_source(__u32 ifindex, const struct address *backend,
					  struct address *source)
{
	const struct device *device = device_at(ifindex);

	if (!device)
		return false;
	*source = address_is_ipv4(backend) ? device->ipv4 : device->ipv6;
	return source->word[3] | source->word[2] | source->word[1] | source->word[0];
}

/* Where the masqueraded connection in the scratch is to come from, if it leaves by a device, or by
 * none. The node asks itself then: it would not take a packet from its own address, but from the
 * frontend's it does. */
static __always_inline bool source_address(struct scratch *scratch, __u32 ifindex,
					   struct address *source)
{
	if (ifindex)
		return device_source(ifindex, &scratch->old.backend, source);
	*source = scratch->old.frontend;
	return true;
}

/* Chooses the source of the masqueraded connection in the scratch, where that was not done yet. */
__noinline int source_ensure(struct __sk_buff *skb, __u32 ifindex)
{
	struct scratch *scratch = scratch_get();
	struct connection *connection, *chosen;
	struct flow row = {.role = FLOW_RETURN};
	bool has_address, is_inherited;
	struct address *source;
	struct found *found;

	if (!scratch || !skb)
		return REASON_NOT_REWRITABLE;
	found = &scratch->found;
	if (found->flags & CONNECTION_SOURCE_CHOSEN)
		return REASON_TRANSLATED;
	connection = connection_at(found->id);
	chosen = &scratch->old;
	source = &scratch->row.source;
	if (!connection || !connection_claim(connection, found, CONNECTION_SOURCE_CLAIMED, chosen))
		return REASON_NOT_REWRITABLE;
	row.connection = found->id;
	row.generation = found->generation;
	has_address = source_address(scratch, ifindex, source);
	is_inherited = chosen->source_port && has_address && address_equal(source, &chosen->source);
	if (chosen->source_port && !is_inherited && source_forget(connection, found))
		flow_remove(chosen, &row, FLOW_RETURN);
	chosen->source = *source;
	if (!is_inherited && !(has_address && source_port_take(skb, chosen->protocol))) {
		source_settle(connection, found, NULL);
		return has_address ? REASON_NO_SOURCE_PORT : REASON_NO_SOURCE_ADDRESS;
	}
	if (!source_settle(connection, found, chosen)) {
		if (!is_inherited)
			flow_remove(chosen, &row, FLOW_RETURN);
		return REASON_NOT_REWRITABLE;
	}
	found->flags |= CONNECTION_SOURCE_CHOSEN;
	return REASON_TRANSLATED;
}

#endif
