/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What tells most packets that are none of ours before anything is looked up: a bit for the hash of
 * each address that the tables have, or a connection as its frontend, backend or source. The
 * controller sets it before the programs can meet the address, and clears it when no connection has
 * it any more.
 */
#ifndef EBPF_PROXY_HINT_H
#define EBPF_PROXY_HINT_H

#include "allocate.h"

/* Of an address, as its words are in memory; less than ADDRESS_HINTS. The controller knows it too
 * (AddressHints.HashOf). */
static __always_inline __u32 address_hash(__be32 first, __be32 second, __be32 third, __be32 fourth)
{
	__u32 mixed = ((first * 31 + second) * 31 + third) * 31 + fourth;

	return mixed * 0x9e3779b1U >> (32 - ADDRESS_HINT_BITS);
}

static __always_inline bool hint_has(__u32 hash)
{
	__u32 index = hash / 64;
	const __u64 *bits = bpf_map_lookup_elem(&address_hints, &index);

	return !bits || READ_ONCE(*bits) >> hash % 64 & 1;
}

/* What is known of a packet by its IP header alone, where that lies in the first part of the
 * buffer. Not the addresses: there is no room for them on the stack. */
struct ends {
	__u32 source; /* hashes */
	__u32 destination;
	__u8 protocol;
};

static __always_inline bool ends_read(const struct __sk_buff *skb, __u32 l3, struct ends *ends)
{
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = packet_at(skb, l3, sizeof(*ip));

		if (!ip)
			return false;
		ends->source = address_hash(0, 0, bpf_htonl(0x0000ffff), ip->saddr);
		ends->destination = address_hash(0, 0, bpf_htonl(0x0000ffff), ip->daddr);
		ends->protocol = ip->protocol;
		return true;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip = packet_at(skb, l3, sizeof(*ip));
		const __be32 *source, *destination;

		if (!ip)
			return false;
		source = ip->saddr.in6_u.u6_addr32;
		destination = ip->daddr.in6_u.u6_addr32;
		ends->source = address_hash(source[0], source[1], source[2], source[3]);
		ends->destination = address_hash(destination[0], destination[1], destination[2],
						 destination[3]);
		ends->protocol = ip->nexthdr;
		return true;
	}
	return false;
}

/* By what a packet that comes in may be one of ours. */
enum ingress_look {
	LOOK_AT_NOTHING,     /* surely none */
	LOOK_AT_DESTINATION, /* has a role, or is of a connection */
	/* The destination has no role, but what comes may be an answer that goes around the stack:
	 * those come from a backend, for whoever asked. */
	LOOK_AT_SENDER,
};

static __always_inline enum ingress_look ingress_look(const struct __sk_buff *skb, __u32 l3)
{
	const struct path_state *state = path_state();
	struct ends ends;

	if (!state || !ends_read(skb, l3, &ends) || hint_has(ends.destination))
		return LOOK_AT_DESTINATION;
	return state->goes_around != AROUND_NOTHING && hint_has(ends.source) ? LOOK_AT_SENDER
									     : LOOK_AT_NOTHING;
}

/* Whether a packet that is forwarded is surely none of ours, as it leaves. An error belongs to the
 * packet that it quotes, whoever sends it. */
static __always_inline bool egress_is_foreign(const struct __sk_buff *skb, __u32 l3)
{
	struct ends ends;

	return ends_read(skb, l3, &ends) &&
	       (ends.protocol == IPPROTO_TCP || ends.protocol == IPPROTO_UDP) &&
	       !hint_has(ends.destination) && !hint_has(ends.source);
}

#endif
