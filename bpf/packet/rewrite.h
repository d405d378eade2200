/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changes addresses and ports of a packet, and the checksums over them. */
#ifndef EBPF_PROXY_REWRITE_H
#define EBPF_PROXY_REWRITE_H

#include <linux/tcp.h>
#include <linux/udp.h>

#include "packet.h"
#include "tc_config.h"

/* From linux/bpf.h of 6.16: the checksum of IPv6 addresses stands in no header of its own. */
#define CSUM_IPV6 (1ULL << 7)

/* Who sends to whom after a translation; in the order of the headers of IPv6 and transport. */
struct rewrite {
	struct address source;
	struct address destination;
	__be16 source_port;
	__be16 destination_port;
};

static __always_inline int checksum_offset(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return offsetof(struct tcphdr, check);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return offsetof(struct udphdr, check);
	default:
		return -1; /* SCTP: a CRC of ports and data that helpers cannot mend */
	}
}

static __always_inline __u16 checksum_fold(__s64 sum)
{
	__u32 folded = (sum & 0xffff) + (sum >> 16 & 0xffff);

	folded = (folded & 0xffff) + (folded >> 16);
	return ~((folded & 0xffff) + (folded >> 16));
}

/* How a sum changes with some of its words. In arithmetic, which costs less than a helper. */
static __always_inline __u32 sum_difference(const __be32 *from, const __be32 *to, int words)
{
	__u64 sum = 0;

	for (int i = 0; i < words; i++)
		sum += (__u64)to[i] + (__u32)~from[i];
	sum = (__u32)sum + (sum >> 32);
	return (__u32)sum + (sum >> 32);
}

/* How the sum of the addresses changes; the common words of v4-mapped ones change nothing. */
static __always_inline __s64 address_difference(const struct __sk_buff *skb,
						const struct flow_key *before,
						const struct rewrite *after)
{
	__be32 from[2] = {before->source.word[3], before->destination.word[3]};
	__be32 to[2] = {after->source.word[3], after->destination.word[3]};

	if (skb->protocol == bpf_htons(ETH_P_IP))
		return sum_difference(from, to, 2);
	/* Source and destination stand side by side in both. */
	return sum_difference((const __be32 *)&before->source, (const __be32 *)&after->source, 8);
}

static __always_inline int rewrite_addresses(struct __sk_buff *skb, const struct packet *packet,
					     const struct rewrite *after, __s64 difference)
{
	__be32 addresses[2] = {after->source.word[3], after->destination.word[3]};

	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return bpf_skb_store_bytes(skb, packet->l3 + offsetof(struct ipv6hdr, saddr),
					   &after->source, 2 * sizeof(struct address), 0);
	return bpf_l3_csum_replace(skb, packet->l3 + offsetof(struct iphdr, check), 0, difference,
				   0) ||
	       bpf_skb_store_bytes(skb, packet->l3 + offsetof(struct iphdr, saddr), addresses,
				   sizeof(addresses), 0);
}

/* Tells the sum over a packet of IPv6, which some devices give, that its addresses change: they
 * have no checksum of their own that would leave the sum as it is, as those of IPv4. */
static __always_inline void sum_update_ipv6(struct __sk_buff *skb, __s64 difference)
{
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		bpf_csum_update(skb, difference);
}

/* Mends the checksum over addresses and ports; nonzero where that cannot be done. */
static __always_inline int rewrite_checksum(struct __sk_buff *skb, const struct packet *packet,
					    const struct rewrite *after, __s64 difference)
{
	__u64 addresses = BPF_F_PSEUDO_HDR;
	__u64 ports = sizeof(__u32);
	int check = checksum_offset(packet->key.protocol);
	__u32 from = (__u32)packet->key.destination_port << 16 | packet->key.source_port;
	__u32 to = (__u32)after->destination_port << 16 | after->source_port;

	if (check < 0)
		return from == to ? 0 : -1;
	if (packet->key.protocol == IPPROTO_UDP) {
		addresses |= BPF_F_MARK_MANGLED_0;
		ports |= BPF_F_MARK_MANGLED_0;
	}
	if (have_csum_ipv6 && skb->protocol == bpf_htons(ETH_P_IPV6))
		addresses |= CSUM_IPV6;
	if (bpf_l4_csum_replace(skb, packet->l4 + check, 0, difference, addresses))
		return -1;
	if (!have_csum_ipv6)
		sum_update_ipv6(skb, difference);
	return from == to ? 0 : bpf_l4_csum_replace(skb, packet->l4 + check, from, to, ports);
}

/* Stores addresses and ports at once where they stand side by side, with the checksum of the IPv4
 * header before them. */
static __always_inline int rewrite_ends(struct __sk_buff *skb, const struct packet *packet,
					const struct rewrite *after, __s64 difference)
{
	__u64 sum = (__u64)difference + (__u16)~packet->check;
	struct {
		__u16 unused;
		__sum16 check;
		__be32 source;
		__be32 destination;
		__be16 source_port;
		__be16 destination_port;
	} ends = {
		.check = checksum_fold((__u32)sum + (sum >> 32)),
		.source = after->source.word[3],
		.destination = after->destination.word[3],
		.source_port = after->source_port,
		.destination_port = after->destination_port,
	};

	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return bpf_skb_store_bytes(skb, packet->l3 + offsetof(struct ipv6hdr, saddr),
					   &after->source, sizeof(*after), 0);
	return bpf_skb_store_bytes(skb, packet->l3 + offsetof(struct iphdr, check), &ends.check,
				   sizeof(ends) - offsetof(typeof(ends), check), 0);
}

/* Changes a packet; nonzero where it could not be, and then part of it may be changed. */
static __always_inline int rewrite_packet(struct __sk_buff *skb, const struct packet *packet,
					  const struct rewrite *after)
{
	__s64 difference = address_difference(skb, &packet->key, after);

	if (packet->kind != KIND_TRANSPORT) {
		sum_update_ipv6(skb, difference);
		return rewrite_addresses(skb, packet, after, difference);
	}
	/* The checksum first: that is what may be refused. */
	if (rewrite_checksum(skb, packet, after, difference))
		return -1;
	if (packet->l4 == packet->l3 + ip_header_length(skb))
		return rewrite_ends(skb, packet, after, difference);
	return bpf_skb_store_bytes(skb, packet->l4, &after->source_port, 2 * sizeof(__be16), 0) ||
	       rewrite_addresses(skb, packet, after, difference);
}

#endif
