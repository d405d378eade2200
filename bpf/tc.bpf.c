// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The packet path: what comes in for a frontend goes on to a backend, and its answers come from the
 * frontend again (docs/datapath.md). Ingress programs change destinations, egress programs sources.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "connection_maps.h"
#include "packet/apart.h"
#include "packet/controller.h"
#include "packet/forward.h"
#include "packet/hint.h"
#include "packet/icmp_error.h"
#include "packet/known.h"
#include "packet/open.h"
#include "packet/stack.h"
#include "packet/unallocated.h"
#include "tc_config.h"

/* Sends a packet that came in on its way, around the stack or through it. */
static __always_inline int ingress_known(struct __sk_buff *skb, struct scratch *scratch)
{
	const struct connection *connection;
	int result;

	if (goes_around(scratch) && is_plain(skb, &scratch->packet)) {
		int verdict = packet_go_around(skb);

		if (verdict != GO_ON)
			return verdict;
	}
	/* An answer that only netfilter's way out changes. */
	if (scratch->found.role == FLOW_ANSWER)
		return GO_ON;
	if (scratch->found.flags & CONNECTION_AROUND) {
		result = stack_ensure(skb);
		connection = connection_at(scratch->found.id);
		if (result != REASON_TRANSLATED && connection)
			return drop_unsourced(skb, scratch, connection, result);
	}
	return packet_translate(skb);
}

/* Changes the ICMP error in the scratch, and takes it in as an answer to the same packet is. */
static __noinline int error_go_on(struct __sk_buff *skb, struct scratch *scratch)
{
	int result = error_translate(skb);
	const struct connection *connection = connection_at(scratch->found.id);

	if (result != GO_ON || !connection || !is_taken_in(skb, scratch, connection))
		return result;
	return take_in(skb, &scratch->packet, connection->device);
}

/* An ICMP error that comes in. It goes through the stack, whichever way the packet went that it is
 * about. */
static __always_inline int ingress_error(struct __sk_buff *skb, struct scratch *scratch)
{
	if (!error_find(skb))
		return GO_ON;
	if (scratch->found.flags & CONNECTION_AROUND && stack_ensure(skb) != REASON_TRANSLATED)
		return drop(skb, REASON_NOT_REWRITABLE);
	return error_go_on(skb, scratch);
}

/* A fragment without ports at an address of ours; GO_ON where it has them now. */
static __always_inline int ingress_fragment(struct __sk_buff *skb, struct packet *packet,
					    __u32 roles)
{
	if (fragment_recall(packet))
		return GO_ON;
	if (roles & ~ADDRESS_ON_DEVICE && fragment_hold(skb, packet))
		return TC_ACT_SHOT;
	if (roles & (ADDRESS_CLUSTER_IP | ADDRESS_EXTERNAL))
		return drop(skb, REASON_UNKNOWN_FRAGMENT);
	return TC_ACT_OK;
}

/* Whether a segment in mid-flow to an address of the node, which is of no connection, is for a
 * socket of the node: where clients are masqueraded there are no node ports. If there is one all
 * the same, the node says itself that it does not know the segment. */
static __always_inline bool is_for_own_socket(const struct scratch *scratch)
{
	return scratch->is_unknown && scratch->packet.key.protocol == IPPROTO_TCP &&
	       !is_in_node_port_range(scratch->packet.key.destination_port);
}

/* Whether what comes in for a backend's own address has to be told from what its client has there
 * by a service. Of TCP only what begins is asked about. */
static __always_inline bool ingress_is_parted(struct __sk_buff *skb, struct scratch *scratch,
					      __u32 roles)
{
	const struct path_state *state = path_state();
	const struct packet *packet = &scratch->packet;

	if (!(roles & ADDRESS_BACKEND) || !state || !state->is_in_use ||
	    packet->kind != KIND_TRANSPORT)
		return false;
	if (packet->key.protocol == IPPROTO_TCP &&
	    (packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return false;
	return packet->key.protocol != IPPROTO_SCTP && flow_part(skb);
}

/* What comes in for an address that is, or may be, a frontend's. */
static __always_inline int ingress_frontend(struct __sk_buff *skb, struct scratch *scratch,
					    __u32 roles)
{
	struct packet *packet = &scratch->packet;
	bool is_service = roles & (ADDRESS_CLUSTER_IP | ADDRESS_EXTERNAL);
	bool is_frontend;
	int result;

	/* First fragments to the node itself are remembered whoever they are for, so that those
	 * which follow need not wait to know. */
	if (packet->is_first_fragment) {
		__u32 held = fragment_remember(packet);

		if (held && fragments_release(skb, packet, held))
			return drop(skb, REASON_NOT_REWRITABLE);
	}
	if (packet->kind == KIND_FRAGMENT) {
		result = ingress_fragment(skb, packet, roles);
		if (result != GO_ON)
			return result == TC_ACT_OK ? GO_ON : result;
	}
	if (!scratch->is_unknown &&
	    (is_service || packet->key.protocol == IPPROTO_SCTP ||
	     is_source_port(packet->key.destination_port)) &&
	    flow_find(skb))
		return ingress_known(skb, scratch);
	if (!is_service && is_for_own_socket(scratch))
		return GO_ON;
	is_frontend = packet_frontend(packet, roles, &scratch->frontend);
	if (!is_frontend && is_service)
		return packet_refuse(skb, frontend_miss(roles));
	if (!scratch->is_unknown && !is_service && (is_frontend || path_has_orphans()) &&
	    flow_find(skb))
		return ingress_known(skb, scratch);
	if (!is_frontend)
		return ingress_is_parted(skb, scratch, roles) ? ingress_known(skb, scratch) : GO_ON;
	if (packet->kind == KIND_FRAGMENT)
		return drop(skb, REASON_UNKNOWN_FRAGMENT);
	result = flow_open(skb);
	return result == REASON_TRANSLATED ? ingress_known(skb, scratch)
					   : packet_refuse(skb, result);
}

/* What comes in for a frontend where kube-proxy has the node again: connections that are known go
 * on, all else is left to its rules. */
static __always_inline int ingress_handed_back(struct __sk_buff *skb, struct scratch *scratch)
{
	struct packet *packet = &scratch->packet;

	if (packet->is_first_fragment) {
		__u32 held = fragment_remember(packet);

		if (held && fragments_release(skb, packet, held))
			return drop(skb, REASON_NOT_REWRITABLE);
	}
	if (packet->kind == KIND_FRAGMENT && !fragment_recall(packet))
		return GO_ON;
	if (packet->kind != KIND_TRANSPORT && packet->kind != KIND_FRAGMENT)
		return GO_ON;
	return flow_find(skb) ? ingress_known(skb, scratch) : GO_ON;
}

/* Whether what comes in for an address that is nobody's is of a flow that is known: an answer that
 * may go around the stack, or for a frontend that is gone while its connections live. */
static __always_inline bool ingress_other_is_known(struct __sk_buff *skb, struct scratch *scratch)
{
	const struct path_state *state = path_state();
	struct packet *packet = &scratch->packet;

	if (!state || !state->is_in_use)
		return false;
	if (packet->kind == KIND_FRAGMENT && !fragment_recall(packet))
		return false;
	if (packet->kind != KIND_TRANSPORT && packet->kind != KIND_FRAGMENT)
		return false;
	if (state->has_orphans && flow_find(skb))
		return true;
	if (state->goes_around == AROUND_NOTHING)
		return false;
	packet->key.hook = AT_EGRESS;
	return flow_find(skb) && scratch->found.role == FLOW_ANSWER && scratch->found.goes_around;
}

static __always_inline int ingress_other(struct __sk_buff *skb, struct scratch *scratch,
					 __u32 roles)
{
	if (ingress_other_is_known(skb, scratch) || ingress_is_parted(skb, scratch, roles))
		return ingress_known(skb, scratch);
	return GO_ON;
}

/* Whether a frame is for another machine, and only heard here: where a device is promiscuous, or a
 * switch does not know where that machine is. */
static __always_inline bool is_overheard(const struct __sk_buff *skb)
{
	const struct device *device;

	if (skb->pkt_type != PACKET_OTHERHOST)
		return false;
	device = device_at(skb->ifindex);
	return !device || !(device->flags & DEVICE_PORT);
}

/* Whether a packet is probably one of a connection by a node port, so that it is looked for there
 * before it is known what its destination is. */
static __always_inline bool ingress_goes_on(const struct packet *packet)
{
	if (packet->kind != KIND_TRANSPORT || packet->is_first_fragment)
		return false;
	if (packet->key.protocol == IPPROTO_TCP &&
	    (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		return false;
	return is_source_port(packet->key.destination_port) ||
	       is_in_node_port_range(packet->key.destination_port);
}

static __always_inline int handle_ingress(struct __sk_buff *skb, __u32 l3, bool has_link)
{
	struct scratch *scratch = scratch_get();
	struct packet *packet;
	__u32 roles = 0;
	int look;
	int kind;

	if (!scratch || is_overheard(skb))
		return GO_ON;
	/* It came to another machine, or back. */
	if (is_answer_done(skb))
		skb->tc_index = 0;
	look = ingress_look(skb, l3);
	if (look == LOOK_AT_NOTHING)
		return GO_ON;
	kind = packet_parse(skb, l3, AT_INGRESS, has_link);
	if (kind == KIND_BAD)
		return GO_ON;
	if (kind == KIND_ICMP_ERROR)
		return ingress_error(skb, scratch);
	packet = &scratch->packet;
	if (look == LOOK_AT_DESTINATION) {
		if (ingress_goes_on(packet)) {
			if (flow_find(skb))
				return ingress_known(skb, scratch);
			scratch->is_unknown = true;
		}
		roles = address_roles(&packet->key.destination);
	}
	if (!(roles & (ADDRESS_CLUSTER_IP | ADDRESS_EXTERNAL | ADDRESS_NODE | ADDRESS_ON_DEVICE)))
		return ingress_other(skb, scratch, roles);
	if (path_is_handed_back())
		return ingress_handed_back(skb, scratch);
	if (kind == KIND_OTHER)
		return packet->key.protocol ? packet_refuse(skb, frontend_miss(roles)) : GO_ON;
	return ingress_frontend(skb, scratch, roles);
}

/* What a socket of the node that no hook saw sends to a frontend. */
static __always_inline int egress_own(struct __sk_buff *skb, struct scratch *scratch)
{
	struct packet *packet = &scratch->packet;
	__u32 roles = address_roles(&packet->key.destination);
	int reason;

	if (!(roles & (ADDRESS_CLUSTER_IP | ADDRESS_EXTERNAL)))
		return roles ? GO_ON : packet_to_stranger(skb, packet);
	if (path_is_handed_back())
		return GO_ON;
	if (!packet_frontend(packet, roles, &scratch->frontend))
		return packet_refuse(skb, frontend_miss(roles));
	if (packet->kind == KIND_FRAGMENT)
		return drop(skb, REASON_UNKNOWN_FRAGMENT);
	reason = flow_open(skb);
	return reason == REASON_TRANSLATED ? translate_own(skb, scratch)
					   : packet_refuse(skb, reason);
}

/* What the node itself sends, of a protocol without ports. */
static __always_inline int egress_portless(struct __sk_buff *skb, struct scratch *scratch)
{
	struct packet *packet = &scratch->packet;
	__u32 roles = address_roles(&packet->key.destination);

	if (!packet->key.protocol || path_is_handed_back())
		return GO_ON;
	return roles ? packet_refuse(skb, frontend_miss(roles)) : packet_to_stranger(skb, packet);
}

/* Whether the kernel gave a packet the source of one of our connections: it masquerades, and gives
 * the node's own connections another port too, where one that is masqueraded has theirs. */
static __always_inline bool egress_is_adopted(struct __sk_buff *skb, const struct packet *packet)
{
	bool is_first = packet->key.protocol == IPPROTO_UDP ||
			(packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;

	return is_first && packet->kind == KIND_TRANSPORT &&
	       is_source_port(packet->key.source_port) && flow_adopt(skb);
}

static __always_inline int handle_egress(struct __sk_buff *skb, __u32 l3, bool has_link)
{
	const struct path_state *state = path_state();
	struct scratch *scratch = scratch_get();
	const struct connection *connection;
	int result;
	int kind;

	if (!scratch || !state || is_answer_done(skb))
		return GO_ON;
	if (packet_is_for_nobody(skb, scratch, l3))
		return drop(skb, REASON_UNALLOCATED);
	if (skb->ingress_ifindex && (!state->is_in_use || egress_is_foreign(skb, l3)))
		return GO_ON;
	kind = packet_parse(skb, l3, AT_EGRESS, has_link);
	if (kind == KIND_ICMP_ERROR)
		return error_find(skb) ? error_go_on(skb, scratch) : GO_ON;
	if (kind == KIND_FRAGMENT && !fragment_recall(&scratch->packet))
		return GO_ON;
	if (kind == KIND_OTHER && !skb->ingress_ifindex)
		return egress_portless(skb, scratch);
	if (kind != KIND_TRANSPORT && kind != KIND_FRAGMENT)
		return GO_ON;
	if (!flow_find(skb) && !egress_is_adopted(skb, &scratch->packet))
		return skb->ingress_ifindex ? GO_ON : egress_own(skb, scratch);
	if (scratch->found.role == FLOW_ASK)
		return translate_own(skb, scratch);
	if (scratch->found.role == FLOW_FORWARD) {
		result = source_ensure(skb, skb->ifindex);
		connection = connection_at(scratch->found.id);
		if (result != REASON_TRANSLATED && connection)
			return drop_unsourced(skb, scratch, connection, result);
	}
	result = packet_translate(skb);
	return result == GO_ON && scratch->found.role == FLOW_ANSWER ? answer_way(skb, scratch)
								     : result;
}

SEC("tc")
int proxy_ingress(struct __sk_buff *skb)
{
	return handle_ingress(skb, ETH_HLEN, true);
}

SEC("tc")
int proxy_egress(struct __sk_buff *skb)
{
	return handle_egress(skb, ETH_HLEN, true);
}

/* The same for devices whose packets have no link header. */
SEC("tc")
int proxy_ingress_ip(struct __sk_buff *skb)
{
	return handle_ingress(skb, outer_header_length(skb), false);
}

SEC("tc")
int proxy_egress_ip(struct __sk_buff *skb)
{
	return handle_egress(skb, 0, false);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
