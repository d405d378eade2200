/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet as the packet path sees it: who sends to whom, and where its headers begin. Headers are
 * read where they lie, if that is the first part of the buffer; where it is not, helpers find them,
 * at a cost.
 */
#ifndef EBPF_PROXY_PACKET_H
#define EBPF_PROXY_PACKET_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "address.h"
#include "tc_config.h"

#define IP_MORE_FRAGMENTS 0x2000
#define IP_OFFSET	  0x1fff
#define IPV6_OFFSET	  0xfff8
#define IPV6_MORE	  0x0001

/* Of the byte that says how a packet is to be served; the rest tells of congestion. */
#define SERVICE_TYPE 0xfc

/* How many extension headers of IPv6 are followed. */
#define MAX_EXTENSION_HEADERS 6

#define IPPROTO_FRAGMENT_V6 44

/* Not from linux/icmp.h, which includes headers of libc that are not there for this target. */
enum icmp_type {
	ICMP_UNREACHABLE = 3,
	ICMP_REDIRECT = 5,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER = 12,
	ICMPV6_UNREACHABLE = 1,
	ICMPV6_FIRST_INFORMATION = 128, /* errors are below */
	ICMPV6_REDIRECT = 137,
};

enum icmp_code {
	ICMP_PORT = 3,
	ICMPV6_PORT = 4,
};

struct icmp_header {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be32 rest;
};

enum tcp_flag {
	TCP_FIN = 1 << 0,
	TCP_SYN = 1 << 1,
	TCP_RST = 1 << 2,
	TCP_ACK = 1 << 4,
};

enum packet_kind {
	KIND_OTHER,	 /* not IP, or of a protocol that has no ports */
	KIND_TRANSPORT,	 /* TCP, UDP, SCTP; with a header */
	KIND_FRAGMENT,	 /* the same without a header: not the first fragment */
	KIND_ICMP_ERROR, /* quotes another packet */
	KIND_BAD,	 /* IP, and cut short */
};

struct packet {
	struct flow_key key;
	__u32 l3; /* offset of the IP header */
	__u32 l4; /* offset of what follows it */
	__be32 fragment_id;
	__sum16 check; /* of the IPv4 header */
	__u8 tcp_flags;
	__u8 type;		/* of ICMP */
	__u8 hops;		/* that it may still go */
	__u8 service_type;	/* that rules and routes may ask for (tos, traffic class) */
	__u8 kind;		/* enum packet_kind */
	bool is_first_fragment; /* others follow that have no ports */
	bool has_link;		/* what is before the IP header is its Ethernet header */
};

/* How much there is at most of the header that a packet came in. */
#define MAX_OUTER_HEADER 128

/* Where the IP header begins of a packet that comes in without a link header. The kernel counts a
 * packet's bytes (wire_len) before it shows the program the header as well that it came in. */
static __always_inline __u32 outer_header_length(const struct __sk_buff *skb)
{
	__u32 length = outer_header_stays ? skb->len - skb->wire_len : 0;

	return length <= MAX_OUTER_HEADER ? length : 0;
}

/* How long an IP header is that has no options, and nothing behind it but what it carries. */
static __always_inline __u32 ip_header_length(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_IPV6) ? sizeof(struct ipv6hdr)
						      : sizeof(struct iphdr);
}

static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_UDPLITE;
}

static __always_inline bool is_icmp(__u8 protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

static __always_inline bool is_icmp_error(__u8 protocol, __u8 type)
{
	if (protocol == IPPROTO_ICMP)
		return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED ||
		       type == ICMP_PARAMETER || type == ICMP_REDIRECT;
	return type < ICMPV6_FIRST_INFORMATION || type == ICMPV6_REDIRECT;
}

static __always_inline struct address address_from_ipv6(const struct in6_addr *ipv6)
{
	return (struct address){{
		ipv6->in6_u.u6_addr32[0],
		ipv6->in6_u.u6_addr32[1],
		ipv6->in6_u.u6_addr32[2],
		ipv6->in6_u.u6_addr32[3],
	}};
}

/* How far into a packet its headers are read where they lie. */
#define MAX_READ_AT 1024

/* So many bytes of a packet, where they lie in the first part of the buffer; else NULL. */
static __always_inline const void *packet_at(const struct __sk_buff *skb, __u32 offset,
					     __u32 length)
{
	const void *at = (const void *)(long)skb->data;

	if (offset > MAX_READ_AT)
		return NULL;
	at += offset;
	return at + length <= (const void *)(long)skb->data_end ? at : NULL;
}

/* Copies a header of a type whose alignment is that of its words. */
#define header_read(skb, offset, header)                                                           \
	({                                                                                         \
		const typeof(*(header)) *__at = packet_at(skb, offset, sizeof(*(header)));         \
		long __error = 0;                                                                  \
                                                                                                   \
		if (__at)                                                                          \
			*(header) = *__at;                                                         \
		else                                                                               \
			__error = bpf_skb_load_bytes(skb, offset, header, sizeof(*(header)));      \
		__error;                                                                           \
	})

/* Reads what follows the IP header. */
static __always_inline enum packet_kind packet_parse_transport(struct __sk_buff *skb,
							       struct packet *packet)
{
	__u32 l4 = packet->l4;
	struct {
		__be16 source;
		__be16 destination;
	} ports;
	__u8 type;

	if (has_ports(packet->key.protocol)) {
		if (header_read(skb, l4, &ports))
			return KIND_BAD;
		packet->key.source_port = ports.source;
		packet->key.destination_port = ports.destination;
		if (packet->key.protocol == IPPROTO_TCP &&
		    header_read(skb, l4 + 13, &packet->tcp_flags))
			return KIND_BAD;
		return KIND_TRANSPORT;
	}
	if (is_icmp(packet->key.protocol)) {
		if (header_read(skb, l4, &type))
			return KIND_BAD;
		packet->type = type;
		if (is_icmp_error(packet->key.protocol, type))
			return KIND_ICMP_ERROR;
	}
	return KIND_OTHER;
}

/* Reads the IPv4 header; KIND_TRANSPORT where the rest is to be read. */
static __always_inline enum packet_kind packet_parse_ipv4(struct __sk_buff *skb,
							  struct packet *packet)
{
	struct iphdr ip;
	__u16 offset;

	if (header_read(skb, packet->l3, &ip) || ip.version != 4 || ip.ihl < 5)
		return KIND_BAD;
	packet->key.source = address_from_ipv4(ip.saddr);
	packet->key.destination = address_from_ipv4(ip.daddr);
	packet->key.protocol = ip.protocol;
	packet->hops = ip.ttl;
	packet->service_type = ip.tos & SERVICE_TYPE;
	packet->check = ip.check;
	packet->l4 = packet->l3 + ip.ihl * 4;
	offset = bpf_ntohs(ip.frag_off);
	if (!(offset & (IP_OFFSET | IP_MORE_FRAGMENTS)))
		return KIND_TRANSPORT;
	packet->fragment_id = ip.id;
	if (offset & IP_OFFSET)
		return has_ports(ip.protocol) ? KIND_FRAGMENT : KIND_OTHER;
	packet->is_first_fragment = true;
	return KIND_TRANSPORT;
}

/* Walks over the extension headers of IPv6. */
static __always_inline enum packet_kind packet_parse_ipv6(struct __sk_buff *skb,
							  struct packet *packet)
{
	struct ipv6hdr ip;
	__u8 next;

	if (header_read(skb, packet->l3, &ip) || ip.version != 6)
		return KIND_BAD;
	packet->key.source = address_from_ipv6(&ip.saddr);
	packet->key.destination = address_from_ipv6(&ip.daddr);
	packet->hops = ip.hop_limit;
	packet->service_type = (ip.priority << 4 | ip.flow_lbl[0] >> 4) & SERVICE_TYPE;
	packet->l4 = packet->l3 + sizeof(ip);
	next = ip.nexthdr;
	for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
		struct {
			__u8 next;
			__u8 length;
			__be16 offset; /* of a fragment */
			__be32 id;
		} header;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT_V6)
			break;
		if (bpf_skb_load_bytes(skb, packet->l4, &header, sizeof(header)))
			return KIND_BAD;
		if (next == IPPROTO_FRAGMENT_V6) {
			packet->l4 += sizeof(header);
			packet->fragment_id = header.id;
			if (bpf_ntohs(header.offset) & IPV6_OFFSET) {
				packet->key.protocol = header.next;
				return has_ports(header.next) ? KIND_FRAGMENT : KIND_OTHER;
			}
			packet->is_first_fragment = bpf_ntohs(header.offset) & IPV6_MORE;
		} else {
			packet->l4 += 8 + header.length * 8;
		}
		next = header.next;
	}
	packet->key.protocol = next;
	return KIND_TRANSPORT;
}

/* Forgets the packet before. */
static __always_inline void packet_begin(struct packet *packet, __u32 l3, enum flow_hook hook)
{
	__builtin_memset(packet, 0, sizeof(*packet));
	packet->l3 = l3;
	packet->key.hook = hook;
}

/* Reads a packet whose IP header begins at an offset. */
static __always_inline enum packet_kind packet_read(struct __sk_buff *skb, struct packet *packet)
{
	enum packet_kind kind;

	if (skb->protocol == bpf_htons(ETH_P_IP))
		kind = packet_parse_ipv4(skb, packet);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		kind = packet_parse_ipv6(skb, packet);
	else
		return KIND_OTHER;
	return kind == KIND_TRANSPORT ? packet_parse_transport(skb, packet) : kind;
}

#endif
