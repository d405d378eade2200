/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The first packet of a flow: frontend -> source ranges -> backend -> masquerade or not -> record.
 * Each step answers with a reason: REASON_TRANSLATED, or why the packet is refused or dropped.
 */
#ifndef EBPF_PROXY_OPEN_H
#define EBPF_PROXY_OPEN_H

#include <linux/errno.h>

#include "affinity.h"
#include "claim.h"
#include "known.h"
#include "origin.h"
#include "own_socket.h"
#include "scratch.h"
#include "source.h"
#include "trace_packet.h"
#include "way.h"

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

/* Whether policy Local holds for a connection through an external frontend. For who is elsewhere,
 * by the very word that its backend is of: a service may turn meanwhile, and a backend beyond this
 * node, that sees its client, would answer past it. Whoever is near has the cluster set under both,
 * and answers either way. */
static __always_inline bool is_external_local(const struct frontend *frontend,
					      enum source_kind source, const struct choice *choice)
{
	return source == SOURCE_ELSEWHERE ? choice->is_local
					  : service_is_external_local(frontend->service);
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
		return masquerade_all || (tells_pods(&key->source) && source != SOURCE_POD);
	if (is_external_local(frontend, source, choice))
		return source == SOURCE_NODE;
	return !(preserve_client && choice->is_on_node);
}

/* Makes the record known by its rows. */
static __always_inline enum reason connection_publish(struct __sk_buff *skb,
						      struct scratch *scratch,
						      struct connection *connection,
						      const struct flow *flow)
{
	union flow_word row = {.flow = *flow};
	enum reason reason;
	int err;

	if (!(connection->flags & CONNECTION_AROUND)) {
		reason = stack_rows_claim(skb, scratch, connection, flow);
		if (reason != REASON_TRANSLATED)
			return reason;
	}
	/* Last, because it is what first packets on other CPUs agree by. */
	row.flow.role = FLOW_ASK;
	flow_key_of(connection, FLOW_ASK, &scratch->row);
	err = flow_claim(scratch, &scratch->row, row.word, false);
	return err ? unclaimed(err) : REASON_TRANSLATED;
}

/* Whether a connection goes around the stack from its first packet on. One that the stack has seen
 * never does later: it may be translated or judged there by what was seen. */
static __always_inline bool begins_around(const struct packet *packet)
{
	const struct path_state *state = path_state();

	/* The node's own connections begin and end in the stack; and what has no link header cannot
	 * be sent on from here. */
	return state && state->goes_around == AROUND_ALL && packet->key.hook == AT_INGRESS &&
	       packet->has_link;
}

/* An id for the connection of the packet in the scratch: that of the connection which the packet
 * has ended, whose tokens name an earlier generation, else one that is not in use. */
static __always_inline bool id_take(struct scratch *scratch, __u32 *id)
{
	struct connection_lock *lock;
	struct connection *ended;

	if (!scratch->has_ended)
		return connection_allocate(id);
	*id = scratch->ended.connection;
	ended = connection_at(*id);
	lock = lock_of(*id);
	if (!ended || !lock)
		return false;
	connection_tally_rest(ended);
	/* Under the lock, so that the next one is written behind the end of this one. */
	bpf_spin_lock(&lock->lock);
	scratch->old = *ended;
	bpf_spin_unlock(&lock->lock);
	return true;
}

/* Removes what is left of the rows of the connection whose id was taken. That they stood until now
 * told that what connection tracking remembers was ours. */
static __always_inline void ended_remove(struct scratch *scratch)
{
	if (!scratch->has_ended)
		return;
	scratch->has_ended = false;
	connection_remove_flows(&scratch->old, &scratch->ended);
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
	if (!id_take(scratch, &id))
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
	connection->goes_around = flags & CONNECTION_BRIDGED || begins_around(packet);
	if (connection->goes_around && flags & CONNECTION_MASQUERADE)
		connection->flags |= CONNECTION_AROUND;
	connection->last_seen_ns = now_ns();
	connection->is_over = 0;
	connection->bytes_ask = 0;
	connection->bytes_answer = 0;
	tally_open(connection->service);
	COMPILER_BARRIER();
	flow.connection = id;
	flow.generation = (connection->generation + 1) & GENERATION_MASK;
	if (!connection_begin(connection, &flow))
		return REASON_CONNECTIONS_FULL;

	ends_inherit(scratch, connection, &flow);
	reason = connection_publish(skb, scratch, connection, &flow);
	ended_remove(scratch);
	if (reason != REASON_TRANSLATED) {
		connection_end(connection, id, flow.generation);
		connection_remove_flows(connection, &flow);
		return reason;
	}
	token_add(id, flow.generation);
	count(REASON_CONNECTION_OPENED);
	return REASON_TRANSLATED;
}

/* Chooses the backend of the packet in the scratch: the one that its client has, where the service
 * remembers clients. */
static __always_inline enum reason packet_pick(struct scratch *scratch, enum origin origin)
{
	const struct frontend *frontend = &scratch->frontend;
	const struct service *service = service_at(frontend->service);
	__u32 seconds = service_affinity_seconds(service);

	if (!seconds)
		return service_pick(service, frontend, origin, bpf_get_prandom_u32(),
				    &scratch->choice);
	return affinity_pick(service, seconds, frontend, origin, &scratch->packet.key.source,
			     &scratch->choice);
}

/* A connection that keeps its client, where its answers would not come by this node's stack. One of
 * a pod of another node, whose backend is beyond the device that the packet came by: masqueraded,
 * or they would not come by this node at all. One over a bridge that asks no rules for packets:
 * they go straight to the client's port, which changes them, and netfilter, that cannot see them,
 * is not to see the client either. */
__noinline int flags_of_way(struct __sk_buff *skb, __u32 source)
{
	struct scratch *scratch = scratch_get();
	const struct device *device;
	bool is_remote;

	if (!scratch || !scratch->packet.has_link || scratch->packet.key.hook != AT_INGRESS)
		return 0;
	is_remote = source == SOURCE_POD && !scratch->choice.is_on_node &&
		    scratch->frontend.kind != FRONTEND_CLUSTER_IP;
	device = device_at(skb->ifindex);
	if (!device ||
	    (!is_remote && !(device->flags & DEVICE_BRIDGED && scratch->choice.is_on_node)))
		return 0;
	way_to_choice(skb, scratch);
	if (is_remote)
		return scratch->way.device == skb->ifindex ? CONNECTION_MASQUERADE : 0;
	device = device_at(scratch->way.device);
	return device && way_is_back_by_bridge(skb, &scratch->way, device) ? CONNECTION_BRIDGED : 0;
}

/* Whether the packet in the scratch is of a flow that connection tracking goes on translating, in
 * either direction: one that kube-proxy's rules made, or an answer to what the kernel masquerades,
 * or the node sends, from a port that is also a node port. */
static __always_inline bool is_left_to_conntrack(struct __sk_buff *skb, const struct flow_key *key)
{
	switch (conntrack_ask(skb, key)) {
	case CONNTRACK_TRANSLATES:
		count(REASON_LEFT_TO_CONNTRACK);
		return true;
	case CONNTRACK_MASQUERADES:
	case CONNTRACK_ANSWERS:
		return true;
	default:
		return false;
	}
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
	    is_left_to_conntrack(skb, &packet->key))
		return REASON_NONE;
	if (frontend->kind == FRONTEND_NODE_PORT &&
	    (packet->key.protocol != IPPROTO_TCP || !is_first) &&
	    own_socket_expects(skb, &packet->key))
		return REASON_NONE;
	if (!is_first)
		return REASON_NO_CONNECTION;
	if (!source_is_allowed(frontend, &packet->key.source))
		return REASON_SOURCE_DENIED;
	source = source_kind_of(skb, &packet->key);
	reason = packet_pick(scratch, source == SOURCE_ELSEWHERE ? ORIGIN_FAR : ORIGIN_NEAR);
	if (reason != REASON_TRANSLATED)
		return reason;
	if (packet->key.hook == AT_EGRESS)
		flags = CONNECTION_FROM_NODE | CONNECTION_MASQUERADE;
	else if (is_masqueraded(frontend, source, &packet->key, &scratch->choice))
		flags = CONNECTION_MASQUERADE;
	else
		flags = (__u8)flags_of_way(skb, source);
	scratch->now_ns = now_ns();
	reason = connection_create(skb, flags);
	if (reason == REASON_TRANSLATED)
		trace_packet(skb, REASON_CONNECTION_OPENED);
	return connection_find(&packet->key, &scratch->found) ? REASON_TRANSLATED : reason;
}

#endif
