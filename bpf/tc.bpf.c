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
#include "forward.h"
#include "icmp_error.h"
#include "known.h"
#include "open.h"
#include "tc_config.h"

/* Whether a port of the node is one behind which clients are masqueraded. */
static __always_inline bool is_source_port(__be16 port)
{
	return (__u16)(bpf_ntohs(port) - source_port_first) < source_port_count;
}

/* Sends a packet that came in on its way, around the stack or through it. */
static __always_inline int ingress_known(struct __sk_buff *skb, struct scratch *scratch)
{
	if (goes_around(scratch) && is_plain(skb, &scratch->packet)) {
		int verdict = packet_go_around(skb);

		if (verdict != GO_ON)
			return verdict;
	}
	/* An answer that only netfilter's way out changes. */
	if (scratch->found.role == FLOW_ANSWER)
		return GO_ON;
	return packet_translate(skb);
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
		return drop(REASON_UNKNOWN_FRAGMENT);
	return TC_ACT_OK;
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
			return drop(REASON_NOT_REWRITABLE);
	}
	if (packet->kind == KIND_FRAGMENT) {
		result = ingress_fragment(skb, packet, roles);
		if (result != GO_ON)
			return result == TC_ACT_OK ? GO_ON : result;
	}
	if ((is_service || packet->key.protocol == IPPROTO_SCTP ||
	     is_source_port(packet->key.destination_port)) &&
	    flow_find(skb))
		return ingress_known(skb, scratch);
	is_frontend = packet_frontend(packet, roles, &scratch->frontend);
	if (!is_frontend && (is_service || !path_has_orphans()))
		return packet_refuse(skb, frontend_miss(roles));
	if (!is_service && flow_find(skb))
		return ingress_known(skb, scratch);
	if (!is_frontend)
		return GO_ON;
	if (packet->kind == KIND_FRAGMENT)
		return drop(REASON_UNKNOWN_FRAGMENT);
	result = flow_open(skb);
	return result == REASON_TRANSLATED ? ingress_known(skb, scratch)
					   : packet_refuse(skb, result);
}

/* What comes in for an address that is nobody's: an answer that may go around the stack, or for a
 * frontend that is gone while its connections live. */
static __always_inline int ingress_other(struct __sk_buff *skb, struct scratch *scratch)
{
	const struct path_state *state = path_state();
	struct packet *packet = &scratch->packet;

	if (!state || !state->is_in_use)
		return GO_ON;
	if (packet->kind == KIND_FRAGMENT && !fragment_recall(packet))
		return GO_ON;
	if (packet->kind != KIND_TRANSPORT && packet->kind != KIND_FRAGMENT)
		return GO_ON;
	if (state->has_orphans && flow_find(skb))
		return ingress_known(skb, scratch);
	if (state->goes_around == AROUND_NOTHING)
		return GO_ON;
	packet->key.hook = AT_EGRESS;
	if (!flow_find(skb) || scratch->found.role != FLOW_ANSWER || !scratch->found.goes_around)
		return GO_ON;
	return ingress_known(skb, scratch);
}

static __always_inline int handle_ingress(struct __sk_buff *skb, __u32 l3)
{
	struct scratch *scratch = scratch_get();
	struct packet *packet;
	__u32 roles;
	int kind;

	if (!scratch)
		return GO_ON;
	kind = packet_parse(skb, l3, AT_INGRESS);
	if (kind == KIND_BAD)
		return GO_ON;
	if (kind == KIND_ICMP_ERROR)
		return error_translate(skb);
	packet = &scratch->packet;
	roles = address_roles(&packet->key.destination);
	if (!(roles & (ADDRESS_CLUSTER_IP | ADDRESS_EXTERNAL | ADDRESS_NODE | ADDRESS_ON_DEVICE)))
		return ingress_other(skb, scratch);
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
		return GO_ON;
	if (!packet_frontend(packet, roles, &scratch->frontend))
		return packet_refuse(skb, frontend_miss(roles));
	if (packet->kind == KIND_FRAGMENT)
		return drop(REASON_UNKNOWN_FRAGMENT);
	reason = flow_open(skb);
	return reason == REASON_TRANSLATED ? translate_own(skb, scratch)
					   : packet_refuse(skb, reason);
}

/* Whether the kernel masquerades a packet with the source of one of our connections. */
static __always_inline bool egress_is_adopted(struct __sk_buff *skb, const struct packet *packet)
{
	bool is_first = packet->key.protocol == IPPROTO_UDP ||
			(packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;

	return is_first && packet->kind == KIND_TRANSPORT && skb->ingress_ifindex &&
	       is_source_port(packet->key.source_port) && flow_adopt(skb);
}

static __always_inline int handle_egress(struct __sk_buff *skb, __u32 l3)
{
	const struct path_state *state = path_state();
	struct scratch *scratch = scratch_get();
	int result;
	int kind;

	if (!scratch || !state || (!state->is_in_use && skb->ingress_ifindex))
		return GO_ON;
	kind = packet_parse(skb, l3, AT_EGRESS);
	if (kind == KIND_ICMP_ERROR)
		return error_translate(skb);
	if (kind == KIND_FRAGMENT && !fragment_recall(&scratch->packet))
		return GO_ON;
	if (kind != KIND_TRANSPORT && kind != KIND_FRAGMENT)
		return GO_ON;
	if (!flow_find(skb) && !egress_is_adopted(skb, &scratch->packet))
		return skb->ingress_ifindex ? GO_ON : egress_own(skb, scratch);
	if (scratch->found.role == FLOW_ASK)
		return translate_own(skb, scratch);
	result = scratch->found.role == FLOW_FORWARD ? source_ensure(skb, skb->ifindex)
						     : REASON_TRANSLATED;
	return result == REASON_TRANSLATED ? packet_translate(skb) : drop(result);
}

SEC("tc")
int proxy_ingress(struct __sk_buff *skb)
{
	return handle_ingress(skb, ETH_HLEN);
}

SEC("tc")
int proxy_egress(struct __sk_buff *skb)
{
	return handle_egress(skb, ETH_HLEN);
}

/* The same for devices whose packets have no link header. */
SEC("tc")
int proxy_ingress_ip(struct __sk_buff *skb)
{
	return handle_ingress(skb, 0);
}

SEC("tc")
int proxy_egress_ip(struct __sk_buff *skb)
{
	return handle_egress(skb, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
