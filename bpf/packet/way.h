/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the kernel's routes send a packet. */
#ifndef EBPF_PROXY_WAY_H
#define EBPF_PROXY_WAY_H

#include "scratch.h"

#define AF_INET	 2
#define AF_INET6 10

/* A size that fits any path; of 0 the kernel takes the packet's own. */
#define ANY_SIZE 1

/* Finds the way of what has the ends in scratch->after: no device where the node does not forward
 * it, or is the receiver itself. Among the routes that lead by a device, unless that is 0. */
__noinline int way_find(struct __sk_buff *skb, __u32 size, __u32 device)
{
	struct scratch *scratch = scratch_get();
	struct bpf_fib_lookup route = {};
	const struct rewrite *ends;
	struct way *way;
	long result;

	if (!scratch)
		return 0;
	ends = &scratch->after;
	way = &scratch->way;
	route.ifindex = device ? device : skb->ifindex;
	route.l4_protocol = scratch->packet.key.protocol;
	route.sport = ends->source_port;
	route.dport = ends->destination_port;
	route.tot_len = size;
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		route.family = AF_INET;
		route.tos = scratch->packet.service_type;
		route.ipv4_src = ends->source.word[3];
		route.ipv4_dst = ends->destination.word[3];
	} else {
		route.family = AF_INET6;
		route.flowinfo = bpf_htonl((__u32)scratch->packet.service_type << 20);
		__builtin_memcpy(route.ipv6_src, &ends->source, sizeof(ends->source));
		__builtin_memcpy(route.ipv6_dst, &ends->destination, sizeof(ends->destination));
	}
	result = bpf_fib_lookup(skb, &route, sizeof(route), device ? BPF_FIB_LOOKUP_OUTPUT : 0);
	way->has_encap = result == BPF_FIB_LKUP_RET_UNSUPP_LWT;
	way->is_too_big = result == BPF_FIB_LKUP_RET_FRAG_NEEDED;
	way->device = result == BPF_FIB_LKUP_RET_SUCCESS || result == BPF_FIB_LKUP_RET_NO_NEIGH
			      ? route.ifindex
			      : 0;
	way->has_macs = result == BPF_FIB_LKUP_RET_SUCCESS;
	way->size = size ? route.tot_len : 0;
	__builtin_memcpy(way->macs.destination, route.dmac, ETH_ALEN);
	__builtin_memcpy(way->macs.source, route.smac, ETH_ALEN);
	return 0;
}

/* The same where the route says where a tunnel ends: by the one device among the tunnels that has
 * such a route to there; no device where several have, because that route may be any one's. */
__noinline int way_find_tunnel(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	__u32 found = 0;

	if (!scratch)
		return 0;
	for (int number = 0; number < MAX_TUNNELS; number++) {
		__u32 key = number;
		const __u32 *tunnel = bpf_map_lookup_elem(&tunnels, &key);
		__u32 device = tunnel ? READ_ONCE(*tunnel) : 0;

		if (!device)
			break;
		way_find(skb, ANY_SIZE, device);
		if (!scratch->way.has_encap)
			continue;
		if (found) {
			found = 0;
			break;
		}
		found = device;
	}
	scratch->way.device = found;
	return 0;
}

/* Finds the way from the client of the packet in the scratch to the backend that was chosen. */
static __always_inline void way_to_choice(struct __sk_buff *skb, struct scratch *scratch)
{
	scratch->after.source = scratch->packet.key.source;
	scratch->after.source_port = scratch->packet.key.source_port;
	scratch->after.destination = scratch->choice.address;
	scratch->after.destination_port = scratch->choice.port;
	way_find(skb, ANY_SIZE, 0);
}

/* Whether the packet in the scratch, which came in by the port of a bridge, would go on by that
 * very bridge: it was sent to its MAC address. */
static __always_inline bool way_is_back_by_bridge(struct __sk_buff *skb, const struct way *way,
						  const struct device *device)
{
	__u8 mac[ETH_ALEN];

	if (way->device == skb->ifindex || bpf_skb_load_bytes(skb, 0, mac, sizeof(mac)))
		return false;
	for (int i = 0; i < ETH_ALEN; i++) {
		if (mac[i] != device->mac[i])
			return false;
	}
	return true;
}

#endif
