/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The address and port behind which a client is masqueraded: chosen when its first packet leaves.
 */
#ifndef EBPF_PROXY_SOURCE_H
#define EBPF_PROXY_SOURCE_H

#include "claim.h"

/* About as many as the kernel's own masquerade makes (nf_nat_l4proto_unique_tuple): with nineteen
 * of twenty ports to one backend taken, one flow in two hundred thousand finds none. */
#define SOURCE_PORT_ATTEMPTS 240

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
 * it, nor one that the kernel masquerades. A protocol whose checksum holds the port keeps its own.
 */
__noinline int source_port_try(struct __sk_buff *skb, __u32 random)
{
	struct scratch *scratch = scratch_get();
	struct flow row = {.role = FLOW_RETURN};
	struct connection *chosen;
	struct flow_key key;

	if (!scratch)
		return 0;
	chosen = &scratch->old;
	chosen->source_port =
		chosen->protocol == IPPROTO_SCTP
			? chosen->inner_port
			: bpf_htons(source_port_first + ((__u64)random * source_port_count >> 32));
	key = flow_key_of(chosen, FLOW_RETURN);
	row.connection = scratch->found.id;
	row.generation = scratch->found.generation;
	return conntrack_ask(skb, &key) == CONNTRACK_UNKNOWN && !flow_claim(scratch, &key, &row);
}

static __always_inline bool source_port_take(struct __sk_buff *skb, __u8 protocol)
{
	for (int attempt = 0; attempt < SOURCE_PORT_ATTEMPTS; attempt++) {
		if (source_port_try(skb, bpf_get_prandom_u32()))
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

/* Chooses the source of the masqueraded connection in the scratch, where that was not done yet: it
 * leaves by a device, or by none, where the backend is the node itself. */
__noinline int source_ensure(struct __sk_buff *skb, __u32 ifindex)
{
	struct scratch *scratch = scratch_get();
	struct connection *connection, *chosen;
	struct flow row = {.role = FLOW_RETURN};
	struct found *found;

	if (!scratch || !skb)
		return REASON_NOT_REWRITABLE;
	found = &scratch->found;
	if (found->flags & CONNECTION_SOURCE_CHOSEN)
		return REASON_TRANSLATED;
	connection = connection_at(found->id);
	chosen = &scratch->old;
	if (!connection || !connection_claim(connection, found, CONNECTION_SOURCE_CLAIMED, chosen))
		return REASON_NOT_REWRITABLE;
	/* The node asks itself: it would not take a packet from its own address, but from the
	 * frontend's it does. */
	if (!ifindex) {
		chosen->source = chosen->frontend;
	} else if (!device_source(ifindex, &chosen->backend, &chosen->source)) {
		source_settle(connection, found, NULL);
		return REASON_NO_SOURCE_ADDRESS;
	}
	if (!source_port_take(skb, chosen->protocol)) {
		source_settle(connection, found, NULL);
		return REASON_NO_SOURCE_PORT;
	}
	if (!source_settle(connection, found, chosen)) {
		row.connection = found->id;
		row.generation = found->generation;
		flow_remove(chosen, &row, FLOW_RETURN);
		return REASON_NOT_REWRITABLE;
	}
	found->flags |= CONNECTION_SOURCE_CHOSEN;
	return REASON_TRANSLATED;
}

#endif
