/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Answers to packets that get no backend: an ICMP port unreachable or a TCP reset, made of the
 * packet itself and sent back to where it came from, as from the address that was asked.
 */
#ifndef EBPF_PROXY_REFUSE_H
#define EBPF_PROXY_REFUSE_H

#include "connection.h"

/* As much of the refused packet as is quoted at most: the longest IPv4 header, or one of IPv6 with
 * some extension headers, and eight bytes. */
#define MAX_QUOTE 88

#define HOPS 64

/* The answer while it is made: the longest is one of IPv6. */
struct answer {
	union {
		struct {
			struct iphdr ip;
			struct icmp_header icmp;
			__u8 quote[MAX_QUOTE];
		} v4;
		struct {
			struct ipv6hdr ip;
			struct icmp_header icmp;
			__u8 quote[MAX_QUOTE];
		} v6;
	};
	__u8 reserved[8];
};

/* Where an answer is made: it is too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct answer);
	__uint(max_entries, 1);
} answers SEC(".maps");

static __always_inline int swap_macs(struct __sk_buff *skb)
{
	struct {
		__u8 destination[ETH_ALEN];
		__u8 source[ETH_ALEN];
	} macs;

	return bpf_skb_load_bytes(skb, 0, &macs, sizeof(macs)) ||
	       bpf_skb_store_bytes(skb, 0, macs.source, ETH_ALEN, 0) ||
	       bpf_skb_store_bytes(skb, ETH_ALEN, macs.destination, ETH_ALEN, 0);
}

static __always_inline int answer_ipv4(struct __sk_buff *skb, const struct packet *packet,
				       struct answer *answer, __u32 quote)
{
	__u32 length = sizeof(struct iphdr) + sizeof(struct icmp_header) + quote;
	__s64 sum;

	answer->v4.ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.ttl = HOPS,
		.protocol = IPPROTO_ICMP,
		.tot_len = bpf_htons(length),
		.saddr = packet->key.destination.word[3],
		.daddr = packet->key.source.word[3],
	};
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&answer->v4.ip, sizeof(struct iphdr), 0);
	answer->v4.ip.check = checksum_fold(sum);
	answer->v4.icmp = (struct icmp_header){.type = ICMP_UNREACHABLE, .code = ICMP_PORT};
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&answer->v4.icmp,
			    sizeof(struct icmp_header) + MAX_QUOTE, 0);
	answer->v4.icmp.checksum = checksum_fold(sum);
	if (bpf_skb_change_tail(skb, packet->l3 + length, 0))
		return -1;
	return bpf_skb_store_bytes(skb, packet->l3, &answer->v4, length, 0);
}

static __always_inline int answer_ipv6(struct __sk_buff *skb, const struct packet *packet,
				       struct answer *answer, __u32 quote)
{
	__u32 payload = sizeof(struct icmp_header) + quote;
	__u32 length = sizeof(struct ipv6hdr) + payload;
	__be32 rest[2] = {bpf_htonl(payload), bpf_htonl(IPPROTO_ICMPV6)};
	__s64 sum;

	answer->v6.ip = (struct ipv6hdr){
		.version = 6,
		.payload_len = bpf_htons(payload),
		.nexthdr = IPPROTO_ICMPV6,
		.hop_limit = HOPS,
	};
	__builtin_memcpy(&answer->v6.ip.saddr, &packet->key.destination, sizeof(struct address));
	__builtin_memcpy(&answer->v6.ip.daddr, &packet->key.source, sizeof(struct address));
	answer->v6.icmp = (struct icmp_header){
		.type = ICMPV6_UNREACHABLE,
		.code = ICMPV6_PORT,
	};
	/* The pseudo header: both addresses, length and protocol. */
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&answer->v6.ip.saddr, 2 * sizeof(struct address), 0);
	sum = bpf_csum_diff(NULL, 0, rest, sizeof(rest), sum);
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&answer->v6.icmp,
			    sizeof(struct icmp_header) + MAX_QUOTE, sum);
	answer->v6.icmp.checksum = checksum_fold(sum);
	if (bpf_skb_change_tail(skb, packet->l3 + length, 0))
		return -1;
	return bpf_skb_store_bytes(skb, packet->l3, &answer->v6, length, 0);
}

/* Makes a packet into the ICMP error that says that nobody is there. */
static __noinline int packet_to_unreachable(struct __sk_buff *skb, const struct packet *packet)
{
	bool is_ipv4 = skb->protocol == bpf_htons(ETH_P_IP);
	__u32 quote = packet->l4 - packet->l3 + 8;
	__u32 available = skb->len - packet->l3;
	__u32 zero = 0;
	struct answer *answer = bpf_map_lookup_elem(&answers, &zero);

	if (!answer)
		return -1;
	if (quote > available)
		quote = available;
	if (quote > MAX_QUOTE)
		quote = MAX_QUOTE;
	if (quote < sizeof(struct iphdr))
		return -1;
	__builtin_memset(answer, 0, sizeof(*answer));
	if (bpf_skb_load_bytes(skb, packet->l3, is_ipv4 ? answer->v4.quote : answer->v6.quote,
			       quote))
		return -1;
	return is_ipv4 ? answer_ipv4(skb, packet, answer, quote)
		       : answer_ipv6(skb, packet, answer, quote);
}

struct reset {
	union {
		struct {
			struct iphdr ip;
			struct tcphdr tcp;
		} v4;
		struct {
			struct ipv6hdr ip;
			struct tcphdr tcp;
		} v6;
	};
};

static __always_inline int reset_tcp(struct __sk_buff *skb, const struct packet *packet,
				     struct tcphdr *tcp)
{
	struct tcphdr asked;

	if (bpf_skb_load_bytes(skb, packet->l4, &asked, sizeof(asked)))
		return -1;
	*tcp = (struct tcphdr){
		.source = asked.dest,
		.dest = asked.source,
		.doff = sizeof(asked) / 4,
		.rst = 1,
	};
	/* RFC 9293, 3.10.7.1: what was acknowledged, else an acknowledgement of what came. */
	if (asked.ack) {
		tcp->seq = asked.ack_seq;
	} else {
		tcp->ack = 1;
		tcp->ack_seq = bpf_htonl(bpf_ntohl(asked.seq) + skb->len - packet->l4 -
					 asked.doff * 4 + asked.syn + asked.fin);
	}
	return 0;
}

static __always_inline __u16 reset_checksum(const struct packet *packet, struct tcphdr *tcp)
{
	__be32 rest[2] = {bpf_htonl(sizeof(*tcp)), bpf_htonl(IPPROTO_TCP)};
	__s64 sum;

	/* The common words of two v4-mapped addresses add 2 * 0xffff, which is nothing. */
	sum = bpf_csum_diff(NULL, 0, (__be32 *)&packet->key.source, 2 * sizeof(struct address), 0);
	sum = bpf_csum_diff(NULL, 0, rest, sizeof(rest), sum);
	sum = bpf_csum_diff(NULL, 0, (__be32 *)tcp, sizeof(*tcp), sum);
	return checksum_fold(sum);
}

/* Makes a TCP segment into the reset of its connection. */
static __noinline int packet_to_reset(struct __sk_buff *skb, const struct packet *packet)
{
	struct reset reset = {};

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		reset.v4.ip = (struct iphdr){
			.version = 4,
			.ihl = 5,
			.ttl = HOPS,
			.frag_off = bpf_htons(0x4000),
			.protocol = IPPROTO_TCP,
			.tot_len = bpf_htons(sizeof(reset.v4)),
			.saddr = packet->key.destination.word[3],
			.daddr = packet->key.source.word[3],
		};
		reset.v4.ip.check = checksum_fold(
			bpf_csum_diff(NULL, 0, (__be32 *)&reset.v4.ip, sizeof(reset.v4.ip), 0));
		if (reset_tcp(skb, packet, &reset.v4.tcp))
			return -1;
		reset.v4.tcp.check = reset_checksum(packet, &reset.v4.tcp);
		return bpf_skb_change_tail(skb, packet->l3 + sizeof(reset.v4), 0) ||
		       bpf_skb_store_bytes(skb, packet->l3, &reset.v4, sizeof(reset.v4), 0);
	}
	reset.v6.ip = (struct ipv6hdr){
		.version = 6,
		.payload_len = bpf_htons(sizeof(struct tcphdr)),
		.nexthdr = IPPROTO_TCP,
		.hop_limit = HOPS,
	};
	__builtin_memcpy(&reset.v6.ip.saddr, &packet->key.destination, sizeof(struct address));
	__builtin_memcpy(&reset.v6.ip.daddr, &packet->key.source, sizeof(struct address));
	if (reset_tcp(skb, packet, &reset.v6.tcp))
		return -1;
	reset.v6.tcp.check = reset_checksum(packet, &reset.v6.tcp);
	return bpf_skb_change_tail(skb, packet->l3 + sizeof(reset.v6), 0) ||
	       bpf_skb_store_bytes(skb, packet->l3, &reset.v6, sizeof(reset.v6), 0);
}

#endif
