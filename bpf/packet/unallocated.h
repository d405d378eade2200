/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses that only services may have, and that none has: what goes there is for nobody. */
#ifndef EBPF_PROXY_UNALLOCATED_H
#define EBPF_PROXY_UNALLOCATED_H

#include "allocate.h"
#include "conntrack.h"
#include "verdict.h"

static __always_inline bool service_prefix_has(const struct service_prefix *prefix,
					       const struct address *address)
{
	__u32 different = 0;

	for (int word = 0; word < 4; word++)
		different |= (address->word[word] ^ prefix->address.word[word]) &
			     prefix->mask.word[word];
	return !different;
}

/* Whether it is known which addresses only services have. */
static __always_inline bool has_service_prefixes(void)
{
	__u32 first = 0;
	const struct service_prefix *prefix = bpf_map_lookup_elem(&service_prefixes, &first);

	return prefix && READ_ONCE(prefix->is_used);
}

/* Whether an address that is in no table is in a ServiceCIDR. There are one or two of these. */
static __always_inline bool address_is_unallocated(const struct address *address)
{
	for (__u32 i = 0; i < MAX_SERVICE_PREFIXES; i++) {
		__u32 index = i;
		const struct service_prefix *prefix =
			bpf_map_lookup_elem(&service_prefixes, &index);

		if (!prefix || !READ_ONCE(prefix->is_used))
			break;
		if (service_prefix_has(prefix, address))
			return true;
	}
	return false;
}

/* Whether a packet's destination is one that only services may have; true also where it cannot be
 * read. */
static __noinline bool is_for_service_prefix(const struct __sk_buff *skb, __u32 l3)
{
	struct address destination;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = packet_at(skb, l3, sizeof(*ip));

		if (!ip)
			return true;
		destination = address_from_ipv4(ip->daddr);
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip = packet_at(skb, l3, sizeof(*ip));

		if (!ip)
			return true;
		destination = address_from_ipv6(&ip->daddr);
	} else {
		return false;
	}
	return address_is_unallocated(&destination);
}

/* Whether a packet that is forwarded leaves for an address that only services have, and none has:
 * rules of others, as another proxy's, would have sent it elsewhere by now. */
static __always_inline bool packet_is_for_nobody(struct __sk_buff *skb, struct scratch *scratch,
						 __u32 l3)
{
	const struct address *destination = &scratch->packet.key.destination;

	if (!skb->ingress_ifindex || !has_service_prefixes() || !is_for_service_prefix(skb, l3))
		return false;
	/* Only to be looked at. */
	packet_parse(skb, l3, AT_EGRESS, false);
	return address_is_unallocated(destination) && !address_roles(destination) &&
	       !path_is_handed_back();
}

/* What becomes of a packet of the node itself to an address that is in no table. A flow that the
 * rules of another component translate goes on until it ends. */
static __always_inline int packet_to_stranger(struct __sk_buff *skb, struct packet *packet)
{
	if (!address_is_unallocated(&packet->key.destination) || path_is_handed_back())
		return GO_ON;
	packet->key.hook = AT_INGRESS;
	if (packet->kind == KIND_TRANSPORT &&
	    conntrack_ask(skb, &packet->key) == CONNTRACK_TRANSLATES)
		return GO_ON;
	return drop(skb, REASON_UNALLOCATED);
}

#endif
