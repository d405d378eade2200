/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends a packet of a connection on its way: changed, and either through the stack or around it. */
#ifndef EBPF_PROXY_FORWARD_H
#define EBPF_PROXY_FORWARD_H

#include "fragment.h"
#include "scratch.h"
#include "source.h"
#include "verdict.h"

#define AF_INET	 2
#define AF_INET6 10

/* Makes a packet come in by another device: an answer to the node itself by the one that the way to
 * the frontend leads by, or a strict rp_filter drops it. */
static __always_inline int take_in(struct __sk_buff *skb, const struct packet *packet,
				   __u32 ifindex)
{
	const struct device *device = device_at(ifindex);

	if (packet->l3 && device && bpf_skb_store_bytes(skb, 0, device->mac, ETH_ALEN, 0))
		return drop(REASON_NOT_REWRITABLE);
	return bpf_redirect(ifindex, BPF_F_INGRESS);
}

/* Changes a packet to what it is in its connection. */
static __noinline int translate(struct __sk_buff *skb, struct scratch *scratch,
				enum packet_kind kind, const struct found *found, __u64 now)
{
	struct connection *connection = found->connection;
	struct packet *packet = &scratch->packet;

	connection_rewrite(connection, found, &packet->key, &scratch->after);
	if (!connection_is_same(found))
		return drop(REASON_NO_CONNECTION);
	connection_touch(connection, found->role, packet, now);
	if (packet->is_first_fragment)
		fragment_remember(packet);
	if (rewrite_packet(skb, packet, &scratch->after, kind))
		return drop(REASON_NOT_REWRITABLE);
	if (found->role == FLOW_RETURN && found->flags & CONNECTION_FROM_NODE &&
	    connection->device != skb->ifindex)
		return take_in(skb, packet, connection->device);
	return GO_ON;
}

/* The device by which the node sends what has these addresses; 0 where it does not forward it, or
 * is the receiver itself. A packet that does not fit the device is not sent either. */
static __noinline __u32 device_to(struct __sk_buff *skb, const struct address *source,
				  const struct address *destination)
{
	struct bpf_fib_lookup route = {.ifindex = skb->ifindex};
	long result;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		route.family = AF_INET;
		route.ipv4_src = source->word[3];
		route.ipv4_dst = destination->word[3];
	} else {
		route.family = AF_INET6;
		__builtin_memcpy(route.ipv6_src, source, sizeof(*source));
		__builtin_memcpy(route.ipv6_dst, destination, sizeof(*destination));
	}
	result = bpf_fib_lookup(skb, &route, sizeof(route), 0);
	return result == BPF_FIB_LKUP_RET_SUCCESS || result == BPF_FIB_LKUP_RET_NO_NEIGH
		       ? route.ifindex
		       : 0;
}

/* A packet of the node itself: it is on its way to the frontend already, so both its ends are
 * changed and it is sent to where the backend is. */
static __always_inline int translate_own(struct __sk_buff *skb, struct scratch *scratch,
					 enum packet_kind kind, struct found *found, __u64 now)
{
	struct address backend = found->connection->backend;
	__u32 device = device_to(skb, &scratch->packet.key.source, &backend);
	enum reason reason;
	int verdict;

	if (!device)
		return drop(REASON_NOT_REWRITABLE);
	reason = source_ensure(found, device);
	if (reason != REASON_TRANSLATED)
		return drop(reason);
	verdict = translate(skb, scratch, kind, found, now);
	return verdict == GO_ON ? bpf_redirect_neigh(device, NULL, 0, 0) : verdict;
}

/* Whether a packet may go around the stack: not one whose answer is for the stack to give, or that
 * it has to take apart or put together. */
static __always_inline bool may_go_around(const struct __sk_buff *skb, const struct packet *packet,
					  enum packet_kind kind)
{
	const struct path_state *state = path_state();

	return state && state->goes_around && kind == KIND_TRANSPORT &&
	       !packet->is_first_fragment && packet->hops > 1 && !skb->vlan_present;
}

static __always_inline int hop(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 hops = packet->hops - 1;

	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return bpf_skb_store_bytes(skb, packet->l3 + offsetof(struct ipv6hdr, hop_limit),
					   &hops, sizeof(hops), 0);
	/* It stands in the first byte of its word of the header. */
	return bpf_l3_csum_replace(skb, packet->l3 + offsetof(struct iphdr, check), packet->hops,
				   hops, sizeof(__u16)) ||
	       bpf_skb_store_bytes(skb, packet->l3 + offsetof(struct iphdr, ttl), &hops,
				   sizeof(hops), 0);
}

/* Puts a packet on a device: into the pod behind it at once, where it leads to one. */
static __always_inline int put_on(__u32 ifindex)
{
	const struct device *device = device_at(ifindex);

	return device && device->flags & DEVICE_HAS_PEER ? bpf_redirect_peer(ifindex, 0)
							 : bpf_redirect_neigh(ifindex, NULL, 0, 0);
}

/* Sends a packet of a connection around the stack, where it may go: both its ends are changed at
 * once. Answers go the way that one from the frontend's address would. False where it may not. */
static __noinline int go_around(struct __sk_buff *skb, struct scratch *scratch, struct found *found,
				__u64 now)
{
	struct connection *connection = found->connection;
	struct packet *packet = &scratch->packet;
	struct rewrite *after = &scratch->after;
	__u32 device;

	if (found->role == FLOW_ASK) {
		after->source = connection->client;
		after->source_port = connection->inner_port;
		after->destination = connection->backend;
		after->destination_port = connection->backend_port;
	} else {
		after->source = connection->frontend;
		after->source_port = connection->frontend_port;
		after->destination = connection->client;
		after->destination_port = connection->client_port;
	}
	device = device_to(skb, &after->source, &after->destination);
	if (!device || (found->role == FLOW_ASK && found->flags & CONNECTION_MASQUERADE &&
			source_ensure(found, device) != REASON_TRANSLATED))
		return GO_ON;
	if (found->role == FLOW_ASK && found->flags & CONNECTION_MASQUERADE) {
		after->source = connection->source;
		after->source_port = connection->source_port;
	}
	if (!connection_is_same(found))
		return drop(REASON_NO_CONNECTION);
	connection_touch(connection, found->role, packet, now);
	if (!(found->flags & CONNECTION_GOES_AROUND))
		connection->flags |= CONNECTION_GOES_AROUND;
	if (rewrite_packet(skb, packet, after, KIND_TRANSPORT) || hop(skb, packet))
		return drop(REASON_NOT_REWRITABLE);
	return put_on(device);
}

#endif
