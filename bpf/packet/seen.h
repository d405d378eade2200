/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the packets of a connection say of it: how far it is, and how much it carries. */
#ifndef EBPF_PROXY_SEEN_H
#define EBPF_PROXY_SEEN_H

#include "connection.h"

/* What a packet is of a direction whose other one was seen before, or not. */
static __always_inline __u8 seen_in(const struct packet *packet, bool is_after_other)
{
	__u8 seen = SEEN_ANY;

	if (packet->key.protocol != IPPROTO_TCP)
		return is_after_other ? seen | SEEN_ACK : seen;
	if (packet->tcp_flags & TCP_SYN)
		seen |= SEEN_SYN;
	else if (packet->tcp_flags & TCP_ACK)
		seen |= SEEN_ACK;
	if (packet->tcp_flags & TCP_FIN)
		seen |= SEEN_FIN;
	if (packet->tcp_flags & TCP_RST)
		seen |= SEEN_RST;
	return seen;
}

/* Gives a connection that is closing its token. Where the queue is full, what is at its head and
 * has ended since makes room. */
static __always_inline bool closing_add(const struct flow *token)
{
	struct flow head;

	if (!bpf_map_push_elem(&closing, token, BPF_ANY))
		return true;
	if (bpf_map_pop_elem(&closing, &head))
		return false;
	if (connection_live(&head)) {
		bpf_map_push_elem(&closing, &head, BPF_ANY);
		return false;
	}
	return !bpf_map_push_elem(&closing, token, BPF_ANY);
}

/* Notes what more, or less, one side was seen to send, unless the connection has ended meanwhile
 * and its record is another's. That it is over is counted once: the last packets of both sides may
 * be seen on two CPUs. */
static __noinline void seen_note(struct connection *connection, const struct found *found,
				 __u8 more, __u8 less, __u64 now)
{
	__u8 *seen = is_answer(found->role) ? &connection->seen_answer : &connection->seen_ask;
	struct connection_lock *lock = lock_of(found->id);
	struct flow token = {.connection = found->id, .generation = found->generation};
	bool is_first = false, needs_token = false;

	if (!lock)
		return;
	bpf_spin_lock(&lock->lock);
	if (connection->generation == found->generation) {
		if (more & ~*seen & SEEN_RST)
			connection->last_seen_ns = now;
		*seen = (*seen | more) & ~less;
		if (connection_is_closing(connection)) {
			needs_token = !(connection->flags & CONNECTION_CLOSING);
			connection->flags |= CONNECTION_CLOSING;
			is_first = !connection->is_over;
			connection->is_over = 1;
		}
	}
	bpf_spin_unlock(&lock->lock);
	if (needs_token && !closing_add(&token))
		connection_has_no_token(connection, &token, false);
	if (is_first)
		tally_close(connection->service);
}

/* Whether the side that reset a connection goes on all the same, well after that: the reset was
 * none that the other side took. Segments that were under way come within a second. */
static __always_inline bool is_after_reset(const struct connection *connection, __u8 seen,
					   const struct packet *packet, __u64 now)
{
	return seen & SEEN_RST && packet->key.protocol == IPPROTO_TCP &&
	       !(packet->tcp_flags & (TCP_RST | TCP_SYN)) &&
	       now > connection->last_seen_ns + SECOND;
}

/* Notes that a packet was seen. Of all but the bytes it writes only what changes: the record is
 * shared by CPUs. */
static __always_inline void connection_touch(struct connection *connection,
					     const struct found *found, const struct packet *packet,
					     __u64 now, __u32 bytes)
{
	bool is_in_answer = is_answer(found->role);
	__u8 *seen = is_in_answer ? &connection->seen_answer : &connection->seen_ask;
	__u8 other = is_in_answer ? connection->seen_ask : connection->seen_answer;
	__u8 before = READ_ONCE(*seen);
	__u8 more = seen_in(packet, other);
	__u8 less = is_after_reset(connection, before, packet, now) ? SEEN_RST : 0;

	if (((before | more) & ~less) != before)
		seen_note(connection, found, more, less, now);
	if (now > connection->last_seen_ns + SECOND)
		connection->last_seen_ns = now;
	if (is_in_answer)
		connection->bytes_answer += bytes;
	else
		connection->bytes_ask += bytes;
}

/* How many bytes of a packet count to its connection, from the IP header on. One that is
 * masqueraded by way of the stack is seen twice, and counts where its client or the frontend is. */
static __always_inline __u32 connection_bytes(const struct __sk_buff *skb,
					      const struct found *found,
					      const struct packet *packet)
{
	bool is_seen_again = found->role == FLOW_FORWARD ||
			     (found->role == FLOW_RETURN && !(found->flags & CONNECTION_FROM_NODE));

	return is_seen_again ? 0 : skb->len - packet->l3;
}

#endif
