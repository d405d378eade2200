/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rows of flows that must be of one connection alone. */
#ifndef EBPF_PROXY_CLAIM_H
#define EBPF_PROXY_CLAIM_H

#include <linux/errno.h>

#include "allocate.h"
#include "conntrack.h"
#include "scratch.h"

/* How many ports are tried for a client that another connection cannot be told from; the first ones
 * leave those of connections that are closing to them. */
#define INNER_PORT_ATTEMPTS	 8
#define INNER_PORT_EASY_ATTEMPTS 4

/* For how long what is closing keeps its ports, in nanoseconds; a second less in truth, because so
 * exact is the time that it was seen. */
#define CLOSING_QUIET (2 * SECOND)

/* Writes a row over one of the connection that the packet has ended; false where there is none, or
 * another connection has taken it. */
static __always_inline bool row_inherit(struct scratch *scratch, __u64 digest, word_t ours)
{
	union flow_word before = {.word = row_find(digest)};

	if (!word_is_row(before.word) || before.flow.connection != scratch->ended.connection ||
	    before.flow.generation != scratch->ended.generation)
		return false;
	return row_change(digest, before.word, ours);
}

/* Ends a connection that is closing for the port that it has, as the kernel's own masquerade does
 * (nf_nat_used_tuple_harder): not before both sides were quiet, because what was lost of the last
 * data is sent again. The controller frees the record, which nobody uses again at once. */
static __always_inline bool closing_end(struct connection *connection, const struct flow *named)
{
	__u64 last = READ_ONCE(connection->last_seen_ns);
	__u64 now = now_ns();

	if (!connection_is_closing(connection) || now < last || now - last < CLOSING_QUIET ||
	    !connection_end(connection, named->connection, named->generation))
		return false;
	connection_remove_flows(connection, named);
	return true;
}

/* Adds a row that must be of this connection alone; 0, -EEXIST where it is another's that lives, or
 * just taken, or why there is no room for it. One that is closing may be made to end for it. */
static __noinline int flow_claim(struct scratch *scratch, const struct flow_key *key, word_t ours,
				 bool ends_closing)
{
	union flow_word other;
	__u64 digest = flow_digest(key);
	struct connection *connection;
	int err;

	if (scratch->has_ended && row_inherit(scratch, digest, ours))
		return 0;
	err = row_add(digest, ours);
	if (err != -EEXIST)
		return err;
	other.word = row_find(digest);
	if (!word_is_row(other.word))
		return row_add(digest, ours);
	connection = connection_live(&other.flow);
	if (connection && !connection_is_over(connection, now_ns())) {
		if (!ends_closing || !closing_end(connection, &other.flow))
			return -EEXIST;
	} else if (row_change(digest, other.word, ours)) {
		return 0;
	}
	/* It was removed, or is another's by now. */
	return row_add(digest, ours);
}

/* Why a connection whose row could not be claimed is not opened. */
static __always_inline enum reason unclaimed(int err)
{
	return err == -EEXIST ? REASON_NOT_REWRITABLE : REASON_CONNECTIONS_FULL;
}

/* Whether the client talks to the backend itself, from the port that the connection is to have: to
 * the backend, and to connection tracking, both would be one. A row of ours, though of a connection
 * that ended, says that what connection tracking remembers was ours. */
static __noinline bool is_taken_directly(struct __sk_buff *skb, struct scratch *scratch,
					 const struct connection *connection)
{
	const struct flow_key *answer = &scratch->row;
	struct flow_key *key = &scratch->key;
	struct flow other;

	if (connection->flags & CONNECTION_FROM_NODE || flow_lookup(answer, &other))
		return false;
	*key = *answer;
	key->source = answer->destination;
	key->source_port = answer->destination_port;
	key->destination = answer->source;
	key->destination_port = answer->source_port;
	switch (conntrack_ask(skb, key)) {
	case CONNTRACK_KNOWS:
	case CONNTRACK_ANSWERS:
	case CONNTRACK_MASQUERADES:
		return true;
	default:
		return false;
	}
}

/* The port of those that are kept from the node's own sockets that a random number falls on. */
static __always_inline __be16 source_port_of(__u32 random)
{
	return bpf_htons(source_port_first + ((__u64)random * source_port_count >> 32));
}

/* The port that is tried for a client next: after its own one by the frontend, where its other
 * ports get others; then any. */
static __always_inline __be16 inner_port_of(const struct connection *connection, int attempt)
{
	__u32 number = bpf_ntohs(connection->client_port) + connection->frontend.word[3] +
		       connection->frontend_port;

	return attempt == 1 ? bpf_htons(source_port_first + number % source_port_count)
			    : source_port_of(bpf_get_prandom_u32());
}

/* Adds the row by which answers are known, and the port of the client that tells them from those of
 * another of its connections to the same backend. */
static __always_inline enum reason answers_claim(struct __sk_buff *skb, struct scratch *scratch,
						 struct connection *connection,
						 const struct flow *flow)
{
	union flow_word row = {.flow = *flow};
	bool keeps_port = connection->protocol == IPPROTO_SCTP;
	int err = -EEXIST;

	row.flow.role = FLOW_ANSWER;
	for (int attempt = 0; attempt < INNER_PORT_ATTEMPTS; attempt++) {
		if (attempt)
			connection->inner_port = inner_port_of(connection, attempt);
		flow_key_of(connection, FLOW_ANSWER, &scratch->row);
		if (!keeps_port && is_taken_directly(skb, scratch, connection))
			continue;
		err = flow_claim(scratch, &scratch->row, row.word,
				 attempt >= INNER_PORT_EASY_ATTEMPTS);
		if (err != -EEXIST || keeps_port)
			break;
	}
	if (err == -EEXIST)
		return REASON_NO_SOURCE_PORT;
	return err ? REASON_CONNECTIONS_FULL : REASON_TRANSLATED;
}

/* Adds the rows by which packets of a connection are known on their way out of the stack. */
static __always_inline enum reason stack_rows_claim(struct __sk_buff *skb, struct scratch *scratch,
						    struct connection *connection,
						    const struct flow *flow)
{
	union flow_word row = {.flow = *flow};
	enum reason reason = answers_claim(skb, scratch, connection, flow);
	int err;

	if (reason != REASON_TRANSLATED || !(connection->flags & CONNECTION_MASQUERADE) ||
	    connection->flags & CONNECTION_FROM_NODE)
		return reason;
	row.flow.role = FLOW_FORWARD;
	flow_key_of(connection, FLOW_FORWARD, &scratch->row);
	err = flow_claim(scratch, &scratch->row, row.word, false);
	return err ? unclaimed(err) : REASON_TRANSLATED;
}

#endif
