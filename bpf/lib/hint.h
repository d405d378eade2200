/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What tells most packets that are none of ours before anything is looked up: a bit for the hash of
 * each address that the tables have, or a connection as its frontend, backend or source. The
 * controller sets it before the programs can meet the address, and clears it when no connection has
 * it any more.
 */
#ifndef EBPF_PROXY_HINT_H
#define EBPF_PROXY_HINT_H

#include "packet.h"
#include "unallocated.h"

/* Of an address, less than ADDRESS_HINTS. The controller knows it too (AddressHints.HashOf). */
static __always_inline __u32 address_hash(const struct address *address)
{
	__u32 mixed = ((address->word[0] * 31 + address->word[1]) * 31 + address->word[2]) * 31 +
		      address->word[3];

	return mixed * 0x9e3779b1U >> (32 - ADDRESS_HINT_BITS);
}

static __always_inline bool hint_has(const struct address *address)
{
	__u32 hash = address_hash(address);
	__u32 index = hash / 64;
	const __u64 *bits = bpf_map_lookup_elem(&address_hints, &index);

	return !bits || READ_ONCE(*bits) >> hash % 64 & 1;
}

/* Reads who sends a packet to whom, and of what protocol, where the IP header lies in the first
 * part of the buffer. */
static __always_inline bool ends_read(const struct __sk_buff *skb, __u32 l3, struct address *source,
				      struct address *destination, __u8 *protocol)
{
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = packet_at(skb, l3, sizeof(*ip));

		if (!ip)
			return false;
		*source = address_from_ipv4(ip->saddr);
		*destination = address_from_ipv4(ip->daddr);
		*protocol = ip->protocol;
		return true;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip = packet_at(skb, l3, sizeof(*ip));

		if (!ip)
			return false;
		*source = address_from_ipv6(&ip->saddr);
		*destination = address_from_ipv6(&ip->daddr);
		*protocol = ip->nexthdr;
		return true;
	}
	return false;
}

/* Whether a packet that comes in is surely none of ours: its destination has no role, is of no
 * connection whose frontend is gone, and is not nobody's. Nor is it an answer that may go around
 * the stack: those come from a backend, for whoever asked. */
static __always_inline bool ingress_is_foreign(const struct __sk_buff *skb, __u32 l3)
{
	const struct path_state *state = path_state();
	struct address source, destination;
	__u8 protocol;

	return state && ends_read(skb, l3, &source, &destination, &protocol) &&
	       !hint_has(&destination) &&
	       (state->goes_around == AROUND_NOTHING || !hint_has(&source)) &&
	       !address_is_unallocated(&destination);
}

/* The same of one that is forwarded, as it leaves. An error belongs to the packet that it quotes,
 * whoever sends it. */
static __always_inline bool egress_is_foreign(const struct __sk_buff *skb, __u32 l3)
{
	struct address source, destination;
	__u8 protocol;

	return ends_read(skb, l3, &source, &destination, &protocol) &&
	       (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) && !hint_has(&destination) &&
	       !hint_has(&source);
}

#endif
