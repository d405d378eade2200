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
static __always_inline bool is_source_port(const struct flow_key *key)
{
	return key->protocol == IPPROTO_SCTP ||
	       (__u16)(bpf_ntohs(key->destination_port) - source_port_first) < source_port_count;
}

/* Sends a packet that came in on its way, around the stack or through it. */
static __always_inline int ingress_known(struct __sk_buff *skb, struct scratch *scratch,
					 enum packet_kind kind, struct found *found, __u64 now)
{
	if (goes_around(found) && is_plain(skb, &scratch->packet, kind)) {
		int verdict = go_around(skb, scratch, found, now);

		if (verdict != GO_ON)
			return verdict;
	}
	/* An answer that only netfilter's way out changes. */
	if (found->role == FLOW_ANSWER)
		return GO_ON;
	return translate(skb, scratch, kind, found, now);
}

/* What comes in for an address that is, or may be, a frontend's. */
static __always_inline int ingress_frontend(struct __sk_buff *skb, struct scratch *scratch,
					    enum packet_kind kind, __u32 roles)
{
	struct packet *packet = &scratch->packet;
	bool is_service = roles & (ADDRESS_CLUSTER_IP | ADDRESS_EXTERNAL);
	struct frontend frontend = {};
	struct found found;
	__u64 now = now_ns();
	enum reason reason;
	bool is_frontend;

	/* First fragments to the node itself are remembered whoever they are for, so that those
	 * which follow need not wait to know. */
	if (packet->is_first_fragment)
		fragment_remember(packet);
	if (kind == KIND_FRAGMENT && !fragment_recall(packet)) {
		if (roles & ~ADDRESS_ON_DEVICE && fragment_may_wait(packet))
			return bpf_redirect(skb->ifindex, BPF_F_INGRESS);
		return is_service ? drop(REASON_UNKNOWN_FRAGMENT) : GO_ON;
	}
	if ((is_service || is_source_port(&packet->key)) && find(packet, &found, now))
		return ingress_known(skb, scratch, kind, &found, now);
	is_frontend = packet_frontend(packet, roles, &frontend);
	if (!is_frontend && (is_service || !path_has_orphans()))
		return refuse(skb, packet, frontend_miss(roles));
	if (!is_service && find(packet, &found, now))
		return ingress_known(skb, scratch, kind, &found, now);
	if (!is_frontend)
		return GO_ON;
	if (kind == KIND_FRAGMENT)
		return drop(REASON_UNKNOWN_FRAGMENT);
	reason = connection_open(skb, packet, &frontend);
	if (connection_find(&packet->key, &found))
		return ingress_known(skb, scratch, kind, &found, now);
	return refuse(skb, packet, reason);
}

/* What comes in for an address that is nobody's: an answer that may go around the stack, or for a
 * frontend that is gone while its connections live. */
static __always_inline int ingress_other(struct __sk_buff *skb, struct scratch *scratch,
					 enum packet_kind kind)
{
	const struct path_state *state = path_state();
	struct packet *packet = &scratch->packet;
	struct found found;
	__u64 now;

	if (!state || !state->is_in_use)
		return GO_ON;
	if (kind == KIND_FRAGMENT && !fragment_recall(packet))
		return GO_ON;
	if (kind != KIND_TRANSPORT && kind != KIND_FRAGMENT)
		return GO_ON;
	now = now_ns();
	if (state->has_orphans && find(packet, &found, now))
		return ingress_known(skb, scratch, kind, &found, now);
	if (state->goes_around == AROUND_NOTHING)
		return GO_ON;
	packet->key.hook = AT_EGRESS;
	if (!find(packet, &found, now) || found.role != FLOW_ANSWER || !found.goes_around)
		return GO_ON;
	return ingress_known(skb, scratch, kind, &found, now);
}

static __always_inline int handle_ingress(struct __sk_buff *skb, __u32 l3)
{
	struct scratch *scratch = scratch_get();
	enum packet_kind kind;
	struct packet *packet;
	__u32 roles;

	if (!scratch)
		return GO_ON;
	packet = &scratch->packet;
	kind = packet_parse(skb, l3, AT_INGRESS, packet);
	if (kind == KIND_BAD)
		return GO_ON;
	if (kind == KIND_ICMP_ERROR)
		return translate_error(skb, scratch);
	roles = address_roles(&packet->key.destination);
	if (!(roles & (ADDRESS_CLUSTER_IP | ADDRESS_EXTERNAL | ADDRESS_NODE | ADDRESS_ON_DEVICE)))
		return ingress_other(skb, scratch, kind);
	if (kind == KIND_OTHER)
		return packet->key.protocol ? refuse(skb, packet, frontend_miss(roles)) : GO_ON;
	return ingress_frontend(skb, scratch, kind, roles);
}

/* What a socket of the node that no hook saw sends to a frontend. */
static __always_inline int egress_own(struct __sk_buff *skb, struct scratch *scratch,
				      enum packet_kind kind, __u64 now)
{
	struct packet *packet = &scratch->packet;
	__u32 roles = address_roles(&packet->key.destination);
	struct frontend frontend = {};
	enum reason reason;
	struct found found;

	if (!(roles & (ADDRESS_CLUSTER_IP | ADDRESS_EXTERNAL)))
		return GO_ON;
	if (!packet_frontend(packet, roles, &frontend))
		return refuse(skb, packet, frontend_miss(roles));
	if (kind == KIND_FRAGMENT)
		return drop(REASON_UNKNOWN_FRAGMENT);
	reason = connection_open(skb, packet, &frontend);
	if (!connection_find(&packet->key, &found))
		return refuse(skb, packet, reason);
	return translate_own(skb, scratch, kind, &found, now);
}

static __always_inline int handle_egress(struct __sk_buff *skb, __u32 l3)
{
	struct scratch *scratch = scratch_get();
	enum packet_kind kind;
	struct packet *packet;
	const struct path_state *state;
	enum reason reason;
	struct found found;
	__u64 now;

	if (!scratch)
		return GO_ON;
	state = path_state();
	if (!state || (!state->is_in_use && skb->ingress_ifindex))
		return GO_ON;
	packet = &scratch->packet;
	kind = packet_parse(skb, l3, AT_EGRESS, packet);
	if (kind == KIND_ICMP_ERROR)
		return translate_error(skb, scratch);
	if (kind == KIND_FRAGMENT && !fragment_recall(packet))
		return GO_ON;
	if (kind != KIND_TRANSPORT && kind != KIND_FRAGMENT)
		return GO_ON;
	now = now_ns();
	if (!find(packet, &found, now))
		return skb->ingress_ifindex ? GO_ON : egress_own(skb, scratch, kind, now);
	if (found.role == FLOW_ASK)
		return translate_own(skb, scratch, kind, &found, now);
	reason = found.role == FLOW_FORWARD ? source_ensure(&found, skb->ifindex)
					    : REASON_TRANSLATED;
	if (reason != REASON_TRANSLATED)
		return drop(reason);
	return translate(skb, scratch, kind, &found, now);
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
