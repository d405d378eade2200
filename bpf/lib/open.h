/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The first packet of a flow: frontend -> source ranges -> backend -> masquerade or not -> record.
 * Each step answers with a reason: REASON_TRANSLATED, or why the packet is refused or dropped.
 */
#ifndef EBPF_PROXY_OPEN_H
#define EBPF_PROXY_OPEN_H

#include <linux/errno.h>

#include "allocate.h"
#include "conntrack.h"
#include "frontend.h"
#include "origin.h"
#include "own_socket.h"
#include "scratch.h"
#include "service.h"

/* Fills in the frontend that a packet goes to; false where it goes to none. */
static __always_inline bool packet_frontend(const struct packet *packet, __u32 roles,
					    struct frontend *frontend)
{
	struct frontend_key asked = {
		.address = packet->key.destination,
		.port = packet->key.destination_port,
		.protocol = packet->key.protocol,
	};

	return frontend_find(&asked, roles, frontend);
}

/* How many ports are tried for a client that another connection cannot be told from. */
#define INNER_PORT_ATTEMPTS 8

static __always_inline bool source_is_allowed(const struct frontend *frontend,
					      const struct address *source)
{
	struct source_range_key key = {
		.prefix_length = 8 * (sizeof(key) - sizeof(key.prefix_length)),
		.service = bpf_htonl(frontend->service),
		.prefix = *source,
	};

	return !(frontend->flags & FRONTEND_SOURCE_RANGES) || table_lookup(&ranges_slot, &key);
}

/* Whether the backend is to see an address of the node instead of the client, as kube-proxy
 * decides it. What is delivered to the node itself keeps its client all the same, because it does
 * not come by an egress hook. */
static __always_inline bool is_masqueraded(const struct frontend *frontend, enum source_kind source,
					   const struct flow_key *key, const struct choice *choice)
{
	if (address_equal(&key->source, &choice->address))
		return true;
	if (frontend->kind == FRONTEND_CLUSTER_IP)
		return masquerade_all || (local_detection != LOCAL_UNKNOWN && source != SOURCE_POD);
	if (service_is_external_local(frontend->service))
		return source == SOURCE_NODE;
	return !(preserve_client && choice->is_on_node);
}

/* Adds a row that must be of this connection alone; false where it is another's that lives. */
static __always_inline bool flow_claim(const struct flow_key *key, const struct flow *flow)
{
	int err = bpf_map_update_elem(&flows, key, flow, BPF_NOEXIST);
	struct flow other;

	if (!err)
		return true;
	if (err != -EEXIST)
		return false;
	if (flow_lookup(key, &other)) {
		const struct connection *connection = connection_live(&other);

		if (connection && !connection_is_over(connection, now_ns()))
			return false;
	}
	return !bpf_map_update_elem(&flows, key, flow, BPF_ANY);
}

/* Adds the row by which answers are known, and the port of the client that tells them from those of
 * another of its connections to the same backend. */
static __always_inline bool answers_claim(struct connection *connection, const struct flow *flow)
{
	struct flow row = {.connection = flow->connection, .generation = flow->generation};

	row.role = FLOW_ANSWER;
	for (int attempt = 0; attempt < INNER_PORT_ATTEMPTS; attempt++) {
		struct flow_key key = flow_key_of(connection, FLOW_ANSWER);

		if (flow_claim(&key, &row))
			return true;
		if (connection->protocol == IPPROTO_SCTP)
			return false;
		connection->inner_port =
			bpf_htons(source_port_first +
				  ((__u64)bpf_get_prandom_u32() * source_port_count >> 32));
	}
	return false;
}

/* Makes the record known by its rows. */
static __always_inline enum reason connection_publish(struct connection *connection,
						      const struct flow *flow)
{
	struct flow row = {.connection = flow->connection, .generation = flow->generation};
	struct flow_key key;

	if (!answers_claim(connection, flow))
		return REASON_NO_SOURCE_PORT;
	if (connection->flags & CONNECTION_MASQUERADE &&
	    !(connection->flags & CONNECTION_FROM_NODE)) {
		row.role = FLOW_FORWARD;
		key = flow_key_of(connection, FLOW_FORWARD);
		if (bpf_map_update_elem(&flows, &key, &row, BPF_ANY))
			return REASON_CONNECTIONS_FULL;
	}
	/* Last, because it is what first packets on other CPUs agree by. */
	row.role = FLOW_ASK;
	key = flow_key_of(connection, FLOW_ASK);
	return flow_claim(&key, &row) ? REASON_TRANSLATED : REASON_CONNECTIONS_FULL;
}

/* Whether a connection goes around the stack from its first packet on. One that the stack has seen
 * never does later: it may be translated or judged there by what was seen. */
static __always_inline bool begins_around(const struct packet *packet)
{
	const struct path_state *state = path_state();

	/* The node's own connections begin and end in the stack; and what has no link header cannot
	 * be sent on from here. */
	return state && state->goes_around == AROUND_ALL && packet->key.hook == AT_INGRESS &&
	       packet->l3;
}

/* Writes the record and rows of a connection of the packet in the scratch to the choice there. */
__noinline int connection_create(struct __sk_buff *skb, __u32 flags)
{
	struct scratch *scratch = scratch_get();
	const struct packet *packet;
	const struct choice *choice;
	struct connection *connection;
	struct flow flow = {};
	enum reason reason;
	__u32 id = 0;

	if (!scratch)
		return REASON_NOT_REWRITABLE;
	packet = &scratch->packet;
	choice = &scratch->choice;
	path_is_in_use();
	if (!connection_allocate(&id))
		return REASON_CONNECTIONS_FULL;
	connection = connection_at(id);
	if (!connection)
		return REASON_CONNECTIONS_FULL;
	connection->client = packet->key.source;
	connection->frontend = packet->key.destination;
	connection->backend = choice->address;
	connection->source = (struct address){};
	connection->client_port = packet->key.source_port;
	connection->inner_port = packet->key.source_port;
	connection->frontend_port = packet->key.destination_port;
	connection->backend_port = choice->port;
	connection->source_port = 0;
	connection->protocol = packet->key.protocol;
	connection->flags = flags;
	connection->service = choice->service;
	connection->backend_id = choice->id;
	connection->backend_generation = choice->generation;
	connection->device = skb->ifindex;
	connection->seen_ask = 0;
	connection->seen_answer = 0;
	connection->goes_around = begins_around(packet);
	connection->last_seen_ns = now_ns();
	COMPILER_BARRIER();
	flow.connection = id;
	flow.generation = (connection->generation + 1) & GENERATION_MASK;
	*(volatile __u32 *)&connection->generation = flow.generation;

	reason = connection_publish(connection, &flow);
	if (reason != REASON_TRANSLATED) {
		connection_end(connection, flow.generation);
		connection_remove_flows(connection, id);
		return reason;
	}
	token_add(id, flow.generation);
	count(REASON_CONNECTION_OPENED);
	return REASON_TRANSLATED;
}

/* Opens a connection for the packet in the scratch, the first of a flow to the frontend there.
 * Where another CPU was faster, its connection is found. */
__noinline int flow_open(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	const struct frontend *frontend;
	const struct packet *packet;
	enum source_kind source;
	enum reason reason;
	__u8 flags = 0;
	bool is_first;

	if (!scratch)
		return REASON_NOT_REWRITABLE;
	packet = &scratch->packet;
	frontend = &scratch->frontend;
	is_first = packet->key.protocol != IPPROTO_TCP ||
		   (packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
	/* A SYN begins anew, even where connection tracking remembers one that had its ports. */
	if ((packet->key.protocol != IPPROTO_TCP || !is_first) &&
	    conntrack_ask(skb, &packet->key) == CONNTRACK_TRANSLATES) {
		count(REASON_LEFT_TO_CONNTRACK);
		return REASON_NONE;
	}
	if (frontend->kind == FRONTEND_NODE_PORT &&
	    (packet->key.protocol != IPPROTO_TCP || !is_first) &&
	    own_socket_expects(skb, &packet->key))
		return REASON_NONE;
	if (!is_first)
		return REASON_NO_CONNECTION;
	if (!source_is_allowed(frontend, &packet->key.source))
		return REASON_SOURCE_DENIED;
	source = source_kind_of(skb, &packet->key);
	reason = service_pick(frontend, source == SOURCE_ELSEWHERE ? ORIGIN_FAR : ORIGIN_NEAR,
			      bpf_get_prandom_u32(), &scratch->choice);
	if (reason != REASON_TRANSLATED)
		return reason;
	if (packet->key.hook == AT_EGRESS)
		flags = CONNECTION_FROM_NODE | CONNECTION_MASQUERADE;
	else if (is_masqueraded(frontend, source, &packet->key, &scratch->choice))
		flags = CONNECTION_MASQUERADE;
	scratch->now_ns = now_ns();
	reason = connection_create(skb, flags);
	return connection_find(&packet->key, &scratch->found) ? REASON_TRANSLATED : reason;
}

/* A packet that the kernel masquerades itself, with a source that is one of our connections'
 * already: its answers could not be told from theirs. It becomes a connection to where it goes
 * anyway, whose source is chosen again. 0 where it is none such. */
__noinline int flow_adopt(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	struct connection *connection;
	struct flow_key answer;
	struct packet *packet;
	struct flow flow;

	if (!scratch)
		return 0;
	packet = &scratch->packet;
	answer.source = packet->key.destination;
	answer.source_port = packet->key.destination_port;
	answer.destination = packet->key.source;
	answer.destination_port = packet->key.source_port;
	answer.protocol = packet->key.protocol;
	answer.hook = AT_INGRESS;
	answer.reserved = 0;
	if (!flow_lookup(&answer, &flow) || flow.role != FLOW_RETURN)
		return 0;
	connection = connection_live(&flow);
	scratch->now_ns = now_ns();
	if (!connection || connection_is_over(connection, scratch->now_ns))
		return 0;
	/* Else it is our own, masqueraded already at another device. */
	if (conntrack_ask(skb, &answer) == CONNTRACK_UNKNOWN)
		return 0;
	scratch->choice.address = packet->key.destination;
	scratch->choice.port = packet->key.destination_port;
	scratch->choice.service = connection->service;
	scratch->choice.id = connection->backend_id;
	scratch->choice.generation = connection->backend_generation;
	if (connection_create(skb, CONNECTION_MASQUERADE) != REASON_TRANSLATED)
		return 0;
	return connection_find(&packet->key, &scratch->found) != NULL;
}

#endif
