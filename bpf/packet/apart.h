/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows that go past services and could not be told from one of our connections by what answers
 * them: each becomes a connection of its own, to where it goes anyway.
 */
#ifndef EBPF_PROXY_APART_H
#define EBPF_PROXY_APART_H

#include "open.h"

/* What answers a packet that goes where it is sent, as the hook sees it that gives answers their
 * source. */
static __always_inline struct flow_key answer_to(const struct flow_key *key, __u8 hook)
{
	return (struct flow_key){
		.source = key->destination,
		.source_port = key->destination_port,
		.destination = key->source,
		.destination_port = key->source_port,
		.protocol = key->protocol,
		.hook = hook,
	};
}

/* Makes the packet in the scratch the first of a connection to where it goes anyway, which is the
 * backend of another. */
static __always_inline int flow_open_to_itself(struct __sk_buff *skb, struct scratch *scratch,
					       const struct connection *other, __u32 flags)
{
	const struct flow_key *key = &scratch->packet.key;

	scratch->choice.address = key->destination;
	scratch->choice.port = key->destination_port;
	scratch->choice.service = other->service;
	scratch->choice.id = other->backend_id;
	scratch->choice.generation = other->backend_generation;
	connection_create(skb, flags);
	return connection_find(key, &scratch->found) != NULL;
}

/* A packet that the kernel masquerades itself, with a source that is one of our connections'
 * already: its answers could not be told from theirs. It becomes a connection to where it goes
 * anyway, whose source is chosen again. 0 where it is none such. */
__noinline int flow_adopt(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	struct connection *connection;
	struct flow_key answer;
	struct flow flow;

	if (!scratch)
		return 0;
	answer = answer_to(&scratch->packet.key, AT_INGRESS);
	if (!flow_lookup(&answer, &flow) || flow.role != FLOW_RETURN)
		return 0;
	connection = connection_live(&flow);
	scratch->now_ns = now_ns();
	if (!connection || !connection_fits(connection, flow.role, &answer) ||
	    connection_is_over(connection, scratch->now_ns))
		return 0;
	/* Else it is our own, masqueraded already at another device. */
	if (conntrack_ask(skb, &answer) == CONNTRACK_UNKNOWN)
		return 0;
	return flow_open_to_itself(skb, scratch, connection, CONNECTION_MASQUERADE);
}

/* A packet straight to a backend, from the port that one of its client's connections has there:
 * their answers could not be told apart. It becomes a connection of its own, behind another port of
 * the client. 0 where it is none such. */
__noinline int flow_part(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	struct connection *connection;
	struct flow_key answer;
	struct flow flow;

	if (!scratch || !skb)
		return 0;
	scratch->packet.key.hook = AT_INGRESS;
	answer = answer_to(&scratch->packet.key, AT_EGRESS);
	if (!flow_lookup(&answer, &flow) || flow.role != FLOW_ANSWER)
		return 0;
	connection = connection_live(&flow);
	scratch->now_ns = now_ns();
	if (!connection || !connection_fits(connection, flow.role, &answer) ||
	    connection_is_over(connection, scratch->now_ns))
		return 0;
	/* Else it may be one of that connection, translated at the device before: a bridge shows
	 * what its port has had. */
	if (connection->device != skb->ifindex)
		return 0;
	if (!flow_open_to_itself(skb, scratch, connection, 0))
		return 0;
	path_has_parted();
	return 1;
}

#endif
