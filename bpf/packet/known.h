/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows that are known: which packets go on in one, and which begin a new one. */
#ifndef EBPF_PROXY_KNOWN_H
#define EBPF_PROXY_KNOWN_H

#include "backend.h"
#include "frontend.h"
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

/* Whether nobody could answer a packet of a connection: of the service that it asks now, which may
 * be another one than the connection's, whose frontend that has. */
static __always_inline bool nobody_answers(const struct connection *connection,
					   const struct packet *packet)
{
	__u32 roles = address_roles(&packet->key.destination);
	struct frontend frontend;

	return service_has_nobody(packet_frontend(packet, roles, &frontend) ? frontend.service
									    : connection->service);
}

/* Whether a flow that is known is over, so that a packet begins a new one. */
static __always_inline bool begins_anew(const struct connection *connection, __u8 role,
					const struct packet *packet, __u64 now)
{
	if (connection_is_over(connection, now))
		return true;
	if (role != FLOW_ASK)
		return false;
	if (packet->key.protocol == IPPROTO_TCP)
		return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
		       connection_is_closing(connection);
	return !connection_is_direct(connection) &&
	       !backend_serves(connection->backend_id, connection->backend_generation) &&
	       !nobody_answers(connection, packet);
}

/* Whether a packet that looks as if its client turned to the backend itself may be one of another
 * connection, translated at the device before: a bridge, or a VLAN, shows what its port has had. */
static __always_inline bool is_shown_again(const struct __sk_buff *skb,
					   const struct connection *connection, __u8 role)
{
	return role == FLOW_ASK && connection_is_direct(connection) &&
	       connection->device != skb->ifindex;
}

/* Finds the connection of the packet in the scratch; 0 where it belongs to none, or begins a new
 * one: then what was before is ended, and its id is for the new one. */
__noinline int flow_find(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	struct connection *connection;
	struct packet *packet;

	if (!scratch || !skb)
		return 0;
	packet = &scratch->packet;
	connection = connection_find(&packet->key, &scratch->found);
	if (!connection || is_shown_again(skb, connection, scratch->found.role))
		return 0;
	scratch->now_ns = now_ns();
	if (!begins_anew(connection, scratch->found.role, packet, scratch->now_ns))
		return 1;
	scratch->ended.connection = scratch->found.id;
	scratch->ended.generation = scratch->found.generation;
	scratch->has_ended =
		connection_end(connection, scratch->found.id, scratch->found.generation);
	return 0;
}

#endif
