// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The packet path: what comes in for a frontend goes on to a backend, and its answers come from the
 * frontend again (docs/datapath.md). Ingress programs change destinations, egress programs sources.
 */
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "connection_maps.h"
#include "fragment.h"
#include "icmp_error.h"
#include "refuse.h"
#include "source.h"
#include "tc_config.h"

#define AF_INET	 2
#define AF_INET6 10

#define GO_ON TC_ACT_UNSPEC /* to the programs behind this one, and the stack */

static __always_inline int drop(enum reason reason)
{
	count(reason);
	return TC_ACT_SHOT;
}

/* Sends a packet that became an answer back to where it came from: out of the device that it came
 * in by, or, if the node itself sent it, in by the device that it would have left by. */
static __always_inline int send_back(struct __sk_buff *skb, const struct packet *packet)
{
	if (packet->key.hook == AT_INGRESS)
		return swap_macs(skb, packet->l3) ? drop(REASON_NOT_REWRITABLE)
						  : bpf_redirect(skb->ifindex, 0);
	bpf_skb_change_type(skb, PACKET_HOST);
	return bpf_redirect(skb->ifindex, BPF_F_INGRESS);
}

/* What happens to a packet that gets no backend. */
static __always_inline int refuse(struct __sk_buff *skb, const struct packet *packet,
				  enum reason reason)
{
	bool is_reset = reason == REASON_NO_CONNECTION;
	int err;

	if (reason == REASON_NONE)
		return GO_ON;
	count(reason);
	if (!is_reset && reason != REASON_NO_ENDPOINT && reason != REASON_UNKNOWN_PORT)
		return TC_ACT_SHOT;
	if (is_reset && packet->tcp_flags & TCP_RST)
		return TC_ACT_SHOT;
	if (!refusal_is_allowed())
		return drop(REASON_REFUSAL_LIMITED);
	err = is_reset ? packet_to_reset(skb, packet) : packet_to_unreachable(skb, packet);
	return err ? drop(REASON_NOT_REWRITABLE) : send_back(skb, packet);
}

/* Whether a flow that is known is over, so that a packet begins a new one. */
static __always_inline bool begins_anew(const struct found *found, const struct packet *packet,
					__u64 now)
{
	const struct connection *connection = found->connection;

	if (connection_is_over(connection, now))
		return true;
	if (found->role != FLOW_ASK)
		return false;
	if (packet->key.protocol == IPPROTO_TCP)
		return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
		       (connection->seen_ask | connection->seen_answer) & (SEEN_FIN | SEEN_RST);
	return !backend_serves(connection->backend_id, connection->backend_generation);
}

/* Finds the connection of a packet that goes on. One that is over is ended. */
static __always_inline bool find(const struct packet *packet, struct found *found, __u64 now)
{
	if (!connection_find(&packet->key, found))
		return false;
	if (!begins_anew(found, packet, now))
		return true;
	connection_end(found->connection, found->generation);
	return false;
}

/* Changes a packet to what it is in its connection. */
static __noinline int translate(struct __sk_buff *skb, const struct packet *packet,
				enum packet_kind kind, struct found *found, __u64 now)
{
	struct rewrite after;

	connection_rewrite(found->connection, found, &packet->key, &after);
	if (!connection_is_same(found))
		return drop(REASON_NO_CONNECTION);
	connection_touch(found->connection, found->role, packet, now);
	if (packet->is_first_fragment)
		fragment_remember(packet);
	if (rewrite_packet(skb, packet, &after, kind))
		return drop(REASON_NOT_REWRITABLE);
	/* An answer to the node itself comes in where the way to the frontend leads, or a strict
	 * rp_filter drops it. */
	if (found->role == FLOW_RETURN && found->flags & CONNECTION_FROM_NODE &&
	    found->connection->device != skb->ifindex)
		return bpf_redirect(found->connection->device, BPF_F_INGRESS);
	return GO_ON;
}

/* The device by which the node reaches an address; 0 where it does not, or is it itself. */
static __always_inline __u32 device_to(struct __sk_buff *skb, const struct address *address)
{
	struct bpf_fib_lookup route = {.ifindex = skb->ifindex};
	long result;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		route.family = AF_INET;
		route.ipv4_dst = address->word[3];
	} else {
		route.family = AF_INET6;
		__builtin_memcpy(route.ipv6_dst, address, sizeof(*address));
	}
	result = bpf_fib_lookup(skb, &route, sizeof(route), 0);
	return result == BPF_FIB_LKUP_RET_SUCCESS || result == BPF_FIB_LKUP_RET_NO_NEIGH
		       ? route.ifindex
		       : 0;
}

/* A packet of the node itself: it is on its way to the frontend already, so both its ends are
 * changed and it is sent to where the backend is. */
static __always_inline int translate_own(struct __sk_buff *skb, const struct packet *packet,
					 enum packet_kind kind, struct found *found, __u64 now)
{
	struct address backend = found->connection->backend;
	__u32 device = device_to(skb, &backend);
	enum reason reason;
	int verdict;

	if (!device)
		return drop(REASON_NOT_REWRITABLE);
	reason = source_ensure(found, device);
	if (reason != REASON_TRANSLATED)
		return drop(reason);
	verdict = translate(skb, packet, kind, found, now);
	return verdict == GO_ON ? bpf_redirect_neigh(device, NULL, 0, 0) : verdict;
}

/* An ICMP error about a packet of a connection. */
static __noinline int translate_error(struct __sk_buff *skb, const struct packet *error)
{
	struct packet quoted = {};
	struct rewrite answer;
	struct found found;

	if (!quoted_parse(skb, error, &quoted) || !connection_find(&quoted.key, &found))
		return GO_ON;
	/* A shorter way to the backend is none to the frontend. */
	if (is_redirect(error))
		return TC_ACT_SHOT;
	connection_rewrite(found.connection, &found, &quoted.key, &answer);
	if (!connection_is_same(&found))
		return GO_ON;
	if (quoted_rewrite(skb, error, &quoted, &answer) ||
	    error_rewrite(skb, error, &quoted, &answer))
		return drop(REASON_NOT_REWRITABLE);
	return GO_ON;
}

/* Whether a port of the node is one behind which clients are masqueraded. */
static __always_inline bool is_source_port(const struct flow_key *key)
{
	return key->protocol == IPPROTO_SCTP ||
	       (__u16)(bpf_ntohs(key->destination_port) - source_port_first) < source_port_count;
}

/* What comes in for an address that is, or may be, a frontend's. */
static __always_inline int ingress_frontend(struct __sk_buff *skb, struct packet *packet,
					    enum packet_kind kind, __u32 roles)
{
	bool is_service = roles & (ADDRESS_CLUSTER_IP | ADDRESS_EXTERNAL);
	struct frontend frontend;
	struct found found;
	__u64 now = now_ns();
	enum reason reason;
	bool is_frontend;

	if (kind == KIND_FRAGMENT && !fragment_recall(packet))
		return is_service ? drop(REASON_UNKNOWN_FRAGMENT) : GO_ON;
	if ((is_service || is_source_port(&packet->key)) && find(packet, &found, now))
		return translate(skb, packet, kind, &found, now);
	is_frontend = packet_frontend(packet, roles, &frontend);
	if (!is_frontend)
		return refuse(skb, packet, frontend_miss(roles));
	if (!is_service && find(packet, &found, now))
		return translate(skb, packet, kind, &found, now);
	if (kind == KIND_FRAGMENT)
		return drop(REASON_UNKNOWN_FRAGMENT);
	reason = connection_open(skb, packet, &frontend);
	if (connection_find(&packet->key, &found))
		return translate(skb, packet, kind, &found, now);
	return refuse(skb, packet, reason);
}

static __always_inline int handle_ingress(struct __sk_buff *skb, __u32 l3)
{
	struct packet packet = {};
	enum packet_kind kind = packet_parse(skb, l3, AT_INGRESS, &packet);
	__u32 roles;

	if (kind == KIND_BAD)
		return GO_ON;
	if (kind == KIND_ICMP_ERROR)
		return translate_error(skb, &packet);
	roles = address_roles(&packet.key.destination);
	if (!(roles & (ADDRESS_CLUSTER_IP | ADDRESS_EXTERNAL | ADDRESS_NODE | ADDRESS_ON_DEVICE)))
		return GO_ON;
	if (kind == KIND_OTHER)
		return packet.key.protocol ? refuse(skb, &packet, frontend_miss(roles)) : GO_ON;
	return ingress_frontend(skb, &packet, kind, roles);
}

/* What a socket of the node that no hook saw sends to a frontend. */
static __always_inline int egress_own(struct __sk_buff *skb, const struct packet *packet,
				      enum packet_kind kind, __u64 now)
{
	__u32 roles = address_roles(&packet->key.destination);
	struct frontend frontend;
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
	return translate_own(skb, packet, kind, &found, now);
}

static __always_inline int handle_egress(struct __sk_buff *skb, __u32 l3)
{
	struct packet packet = {};
	enum packet_kind kind = packet_parse(skb, l3, AT_EGRESS, &packet);
	__u64 now = now_ns();
	enum reason reason;
	struct found found;

	if (kind == KIND_ICMP_ERROR)
		return translate_error(skb, &packet);
	if (kind == KIND_FRAGMENT && !fragment_recall(&packet))
		return GO_ON;
	if (kind != KIND_TRANSPORT && kind != KIND_FRAGMENT)
		return GO_ON;
	if (!find(&packet, &found, now))
		return skb->ingress_ifindex ? GO_ON : egress_own(skb, &packet, kind, now);
	if (found.role == FLOW_ASK)
		return translate_own(skb, &packet, kind, &found, now);
	reason = found.role == FLOW_FORWARD ? source_ensure(&found, skb->ifindex)
					    : REASON_TRANSLATED;
	if (reason != REASON_TRANSLATED)
		return drop(reason);
	return translate(skb, &packet, kind, &found, now);
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
