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

/* Who sends to whom after a translation. */
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

/* How the sum of the addresses changes; the common words of v4-mapped ones change nothing. */
static __always_inline __s64 address_difference(const struct __sk_buff *skb,
						const struct flow_key *before,
						const struct rewrite *after)
{
	__be32 from[2] = {before->source.word[3], before->destination.word[3]};
	__be32 to[2] = {after->source.word[3], after->destination.word[3]};

	if (skb->protocol == bpf_htons(ETH_P_IP))
		return bpf_csum_diff(from, sizeof(from), to, sizeof(to), 0);
	/* Source and destination stand side by side in both. */
	return bpf_csum_diff((__be32 *)&before->source, 2 * sizeof(struct address),
			     (__be32 *)&after->source, 2 * sizeof(struct address), 0);
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

static __always_inline int rewrite_ports(struct __sk_buff *skb, const struct packet *packet,
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
	if (from == to)
		return 0;
	return bpf_l4_csum_replace(skb, packet->l4 + check, from, to, ports) ||
	       bpf_skb_store_bytes(skb, packet->l4, &to, sizeof(to), 0);
}

/* Changes a packet; nonzero where it could not be, and then part of it may be changed. */
static __always_inline int rewrite_packet(struct __sk_buff *skb, const struct packet *packet,
					  const struct rewrite *after, enum packet_kind kind)
{
	__s64 difference = address_difference(skb, &packet->key, after);

	/* Ports first: it is they that may be refused. */
	if (kind == KIND_TRANSPORT && rewrite_ports(skb, packet, after, difference))
		return -1;
	return rewrite_addresses(skb, packet, after, difference);
}

#endif
