/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections and the flows that lead to them.
 *
 * A generation is odd while the connection lives. It is ended by the next even one, by whoever
 * finds it to be the one that was looked at: only one of those who take a token or have a packet
 * that begins anew can then use the id again at once. The controller puts an ended one that nobody
 * uses back among the free, after a grace period.
 */
#ifndef EBPF_PROXY_CONNECTION_H
#define EBPF_PROXY_CONNECTION_H

#include "budget.h"
#include "connection_maps.h"
#include "count.h"
#include "flow_row.h"
#include "rewrite.h"
#include "tally.h"

/* The connection that a packet belongs to, as it was when it was found. */
struct found {
	__u32 id;
	__u32 generation;
	__u8 role;  /* enum flow_role */
	__u8 flags; /* enum connection_flag */
	bool goes_around;
};

static __always_inline __u64 now_ns(void)
{
	return have_coarse_time ? bpf_ktime_get_coarse_ns() : bpf_ktime_get_ns();
}

static __always_inline struct connection *connection_at(__u32 id)
{
	return bpf_map_lookup_elem(&connections, &id);
}

/* The connection of an id while it has a generation; NULL afterwards. */
static __always_inline struct connection *connection_live(const struct flow *flow)
{
	struct connection *connection = connection_at(flow->connection);

	return connection && READ_ONCE(connection->generation) == flow->generation ? connection
										   : NULL;
}

/* Whether both sides took part: whether the client went on after the backend's answer, which one
 * that forges its address does not hear. */
static __always_inline bool connection_is_answered(const struct connection *connection)
{
	return connection->seen_answer && connection->seen_ask & SEEN_ACK;
}

/* After how many seconds of silence a connection is over. */
static __always_inline __u32 connection_timeout(const struct connection *connection)
{
	__u8 ask = connection->seen_ask;
	__u8 answer = connection->seen_answer;

	if (connection->protocol == IPPROTO_TCP) {
		if ((ask | answer) & SEEN_RST)
			return timeouts.tcp_closed;
		if (ask & answer & SEEN_FIN)
			return timeouts.tcp_closing;
		if ((ask | answer) & SEEN_FIN)
			return timeouts.tcp_close_wait;
		return connection_is_answered(connection) ? timeouts.tcp_established
							  : timeouts.tcp_syn;
	}
	if (connection->protocol == IPPROTO_SCTP)
		return timeouts.sctp;
	return connection_is_answered(connection) ? timeouts.udp_stream : timeouts.udp;
}

static __always_inline bool connection_is_over(const struct connection *connection, __u64 now)
{
	__u64 last = READ_ONCE(connection->last_seen_ns);

	return now > last && now - last > connection_timeout(connection) * SECOND;
}

/* Whether a packet is of the connection that its flow names. */
static __always_inline bool connection_fits(const struct connection *connection, __u8 role,
					    const struct flow_key *key)
{
	if (connection->protocol != key->protocol)
		return false;
	switch (role) {
	case FLOW_ASK:
		return key->source_port == connection->client_port &&
		       key->destination_port == connection->frontend_port &&
		       address_equal(&key->source, &connection->client) &&
		       address_equal(&key->destination, &connection->frontend);
	case FLOW_FORWARD:
		return key->source_port == connection->inner_port &&
		       key->destination_port == connection->backend_port &&
		       address_equal(&key->source, &connection->client) &&
		       address_equal(&key->destination, &connection->backend);
	case FLOW_RETURN:
		return key->source_port == connection->backend_port &&
		       key->destination_port == connection->source_port &&
		       address_equal(&key->source, &connection->backend) &&
		       address_equal(&key->destination, &connection->source);
	default:
		return key->source_port == connection->backend_port &&
		       key->destination_port == connection->inner_port &&
		       address_equal(&key->source, &connection->backend) &&
		       address_equal(&key->destination, &connection->client);
	}
}

/* Finds the connection of a packet; NULL where it belongs to none that lives. */
static __always_inline struct connection *connection_find(const struct flow_key *key,
							  struct found *found)
{
	struct connection *connection;
	struct flow flow;

	if (!flow_lookup(key, &flow))
		return NULL;
	connection = connection_live(&flow);
	if (!connection || !connection_fits(connection, flow.role, key))
		return NULL;
	found->id = flow.connection;
	found->generation = flow.generation;
	found->role = flow.role;
	found->flags = READ_ONCE(connection->flags);
	found->goes_around = READ_ONCE(connection->goes_around);
	return connection;
}

/* Whether it is still the same connection; asked after what is used of it was copied, to the ends
 * that a packet gets. A CPU that does loads out of order (arm64) does the last one after those,
 * because its address depends on what they read: BPF has no other barrier for loads before 6.15.
 * Who writes the record has been at a lock since it ended the connection: at that of a bucket, for
 * its rows (connection_evict), or at the record's once more (id_take). */
static __always_inline bool connection_is_same(const struct connection *connection,
					       const struct found *found,
					       const struct rewrite *copied)
{
	const __u32 *generation = &connection->generation;
	__u64 zero = copied->source_port ^ copied->destination_port;

	for (int word = 0; word < 4; word++)
		zero ^= copied->source.word[word] ^ copied->destination.word[word];
	asm volatile("%[zero] &= 0\n\t"
		     "%[generation] += %[zero]"
		     : [generation] "+r"(generation), [zero] "+r"(zero)
		     :
		     : "memory");
	return READ_ONCE(*generation) == found->generation;
}

static __always_inline bool is_answer(__u8 role)
{
	return role == FLOW_RETURN || role == FLOW_ANSWER;
}

/* Whether nothing more is to come on it. */
static __always_inline bool connection_is_closing(const struct connection *connection)
{
	__u8 ask = connection->seen_ask;
	__u8 answer = connection->seen_answer;

	return (ask | answer) & SEEN_RST || ask & answer & SEEN_FIN;
}

/* Counts what a connection carried whose record is given to another one. */
static __always_inline void connection_tally_rest(const struct connection *connection)
{
	if (!connection->is_over)
		tally_close(connection->service);
	tally_bytes(connection->service, connection->bytes_ask, connection->bytes_answer);
}

/* Ends a connection; false where it was not the one of this generation any more. */
static __always_inline bool connection_end(struct connection *connection, __u32 id,
					   __u32 generation)
{
	struct connection_lock *lock = lock_of(id);
	bool is_ended = false;

	if (!lock)
		return false;
	bpf_spin_lock(&lock->lock);
	if (connection->generation == generation) {
		connection->generation = (generation + 1) & GENERATION_MASK;
		is_ended = true;
	}
	bpf_spin_unlock(&lock->lock);
	return is_ended;
}

/* Says that a connection has no token among the closing, unless its record is another's by now; of
 * one that goes on, unless it closes after all: who sees that takes the token for there. Under the
 * lock, or it would take back what another CPU says of the source meanwhile. */
static __noinline void connection_has_no_token(struct connection *connection,
					       const struct flow *named, bool goes_on)
{
	struct connection_lock *lock = lock_of(named->connection);

	if (!lock)
		return;
	bpf_spin_lock(&lock->lock);
	if (connection->generation == named->generation &&
	    !(goes_on && connection_is_closing(connection)))
		connection->flags &= ~CONNECTION_CLOSING;
	bpf_spin_unlock(&lock->lock);
}

/* Makes a connection live that is filled in; false where there is none. */
static __always_inline bool connection_begin(struct connection *connection,
					     const struct flow *named)
{
	struct connection_lock *lock = lock_of(named->connection);

	if (!lock)
		return false;
	bpf_spin_lock(&lock->lock);
	connection->generation = named->generation;
	bpf_spin_unlock(&lock->lock);
	return true;
}

/* Whether it is for this CPU to do what is done once for a connection, which a flag says: on a
 * copy, because the connection may end meanwhile, and its record be another's. */
static __always_inline bool connection_claim(struct connection *connection,
					     const struct found *found, __u8 flag,
					     struct connection *copy)
{
	struct connection_lock *lock = lock_of(found->id);
	bool is_ours = false;

	if (!lock)
		return false;
	bpf_spin_lock(&lock->lock);
	if (connection->generation == found->generation && !(connection->flags & flag)) {
		connection->flags |= flag;
		*copy = *connection;
		is_ours = true;
	}
	bpf_spin_unlock(&lock->lock);
	return is_ours;
}

/* Whether the node asks itself: the backend sees the frontend's address as its client's, and its
 * answers are seen where they would leave to there. */
static __always_inline bool connection_is_loop(const struct connection *connection)
{
	return connection->flags & CONNECTION_FROM_NODE &&
	       address_equal(&connection->source, &connection->frontend);
}

/* Whether the client turned to the backend itself. */
static __always_inline bool connection_is_direct(const struct connection *connection)
{
	return connection->frontend_port == connection->backend_port &&
	       address_equal(&connection->frontend, &connection->backend);
}

/* Fills in the flow of a connection in one role; where it is wanted, for want of stack. */
static __always_inline void flow_key_of(const struct connection *connection, __u8 role,
					struct flow_key *key)
{
	bool is_own = connection->flags & CONNECTION_FROM_NODE;

	key->protocol = connection->protocol;
	key->reserved = 0;
	switch (role) {
	case FLOW_ASK:
		key->source = connection->client;
		key->source_port = connection->client_port;
		key->destination = connection->frontend;
		key->destination_port = connection->frontend_port;
		key->hook = is_own ? AT_EGRESS : AT_INGRESS;
		break;
	case FLOW_FORWARD:
		key->source = connection->client;
		key->source_port = connection->inner_port;
		key->destination = connection->backend;
		key->destination_port = connection->backend_port;
		key->hook = AT_EGRESS;
		break;
	case FLOW_RETURN:
		key->source = connection->backend;
		key->source_port = connection->backend_port;
		key->destination = connection->source;
		key->destination_port = connection->source_port;
		key->hook = connection_is_loop(connection) ? AT_EGRESS : AT_INGRESS;
		break;
	default:
		key->source = connection->backend;
		key->source_port = connection->backend_port;
		key->destination = connection->client;
		key->destination_port = connection->inner_port;
		key->hook = AT_EGRESS;
		break;
	}
}

/* What a packet of a connection becomes in a role. */
static __always_inline void connection_rewrite(const struct connection *connection,
					       const struct found *found,
					       const struct flow_key *key, struct rewrite *after)
{
	bool is_own = found->flags & CONNECTION_FROM_NODE;

	after->source = key->source;
	after->source_port = key->source_port;
	after->destination = key->destination;
	after->destination_port = key->destination_port;
	if (found->role == FLOW_ASK) {
		after->source_port = connection->inner_port;
		after->destination = connection->backend;
		after->destination_port = connection->backend_port;
	}
	if (found->role == FLOW_FORWARD || (found->role == FLOW_ASK && is_own)) {
		after->source = connection->source;
		after->source_port = connection->source_port;
	}
	if (found->role == FLOW_RETURN) {
		after->destination = connection->client;
		after->destination_port = is_own ? connection->client_port : connection->inner_port;
	}
	if (found->role == FLOW_ANSWER || (found->role == FLOW_RETURN && is_own)) {
		after->source = connection->frontend;
		after->source_port = connection->frontend_port;
	}
	if (found->role == FLOW_ANSWER)
		after->destination_port = connection->client_port;
}

#endif
