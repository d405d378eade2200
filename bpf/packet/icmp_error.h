/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors. One belongs to the connection of the packet that it quotes, turned round: what an
 * answer would become at this hook, the error becomes, and the quoted packet the other way round.
 */
#ifndef EBPF_PROXY_ICMP_ERROR_H
#define EBPF_PROXY_ICMP_ERROR_H

#include "known.h"
#include "verdict.h"

/* Reads the quoted packet as if its receiver answered it. */
static __always_inline bool quoted_parse(struct __sk_buff *skb, const struct packet *error,
					 struct packet *quoted)
{
	__u32 l3 = error->l4 + sizeof(struct icmp_header);
	enum packet_kind kind;
	struct address address;
	struct {
		__be16 source;
		__be16 destination;
	} ports;

	packet_begin(quoted, l3, error->key.hook);
	if (skb->protocol == bpf_htons(ETH_P_IP))
		kind = packet_parse_ipv4(skb, quoted);
	else
		kind = packet_parse_ipv6(skb, quoted);
	if (kind != KIND_TRANSPORT || !has_ports(quoted->key.protocol) ||
	    bpf_skb_load_bytes(skb, quoted->l4, &ports, sizeof(ports)))
		return false;
	address = quoted->key.source;
	quoted->key.source = quoted->key.destination;
	quoted->key.destination = address;
	quoted->key.source_port = ports.destination;
	quoted->key.destination_port = ports.source;
	return true;
}

static __always_inline bool is_redirect(const struct packet *error)
{
	return error->key.protocol == IPPROTO_ICMP ? error->type == ICMP_REDIRECT
						   : error->type == ICMPV6_REDIRECT;
}

/* Mends the checksum of the quoted transport header, where so much is quoted: in the end the sender
 * finds the header that it sent. */
static __always_inline int quoted_mend(struct __sk_buff *skb, const struct scratch *scratch,
				       __s64 difference)
{
	const struct packet *quoted = &scratch->quoted;
	int offset = checksum_offset(quoted->key.protocol);
	bool is_udp = quoted->key.protocol == IPPROTO_UDP;
	__u32 inverse;
	__u16 before;
	__u16 after;

	if (offset < 0 || bpf_skb_load_bytes(skb, quoted->l4 + offset, &before, sizeof(before)))
		return 0;
	if (is_udp && !before)
		return 0;
	inverse = (__u16)~before;
	after = checksum_fold(bpf_csum_diff(NULL, 0, &inverse, sizeof(inverse), difference));
	if (is_udp && !after)
		after = 0xffff;
	return bpf_skb_store_bytes(skb, quoted->l4 + offset, &after, sizeof(after), 0) ||
	       bpf_l4_csum_replace(skb, scratch->packet.l4 + offsetof(struct icmp_header, checksum),
				   before, after, sizeof(after));
}

/* Changes the quoted packet: what an answer would become, turned round again. The sum of an IPv4
 * header stays what it was, because its own checksum is mended; so the ICMP checksum changes with
 * the ports and the transport checksum alone, and that of ICMPv6 with the addresses too. */
static __always_inline int quoted_rewrite(struct __sk_buff *skb, struct scratch *scratch)
{
	const struct packet *quoted = &scratch->quoted;
	const struct rewrite *answer = &scratch->after;
	__u32 check = scratch->packet.l4 + offsetof(struct icmp_header, checksum);
	__u32 from = (__u32)quoted->key.source_port << 16 | quoted->key.destination_port;
	__u32 to = (__u32)answer->source_port << 16 | answer->destination_port;
	struct rewrite *turned = &scratch->turned;
	__s64 difference;
	__s64 all;

	turned->source = answer->destination;
	turned->destination = answer->source;
	scratch->key.source = quoted->key.destination;
	scratch->key.destination = quoted->key.source;
	difference = address_difference(skb, &scratch->key, turned);
	all = bpf_csum_diff(&from, sizeof(from), &to, sizeof(to), difference);
	if (rewrite_addresses(skb, quoted, turned, difference) || quoted_mend(skb, scratch, all))
		return -1;
	if (skb->protocol == bpf_htons(ETH_P_IPV6) &&
	    bpf_l4_csum_replace(skb, check, 0, difference, 0))
		return -1;
	if (from == to)
		return 0;
	return bpf_skb_store_bytes(skb, quoted->l4, &to, sizeof(to), 0) ||
	       bpf_l4_csum_replace(skb, check, from, to, sizeof(to));
}

/* The error itself goes to whom the answer would; it comes from there only if the answerer sent it,
 * not a router between. */
static __always_inline int error_rewrite(struct __sk_buff *skb, struct scratch *scratch)
{
	const struct packet *error = &scratch->packet;
	const struct packet *quoted = &scratch->quoted;
	struct rewrite *after = &scratch->turned;
	__u64 pseudo = BPF_F_PSEUDO_HDR | (have_csum_ipv6 ? CSUM_IPV6 : 0);
	__s64 difference;

	after->source = address_equal(&error->key.source, &quoted->key.source)
				? scratch->after.source
				: error->key.source;
	after->destination = address_equal(&error->key.destination, &quoted->key.destination)
				     ? scratch->after.destination
				     : error->key.destination;
	difference = address_difference(skb, &error->key, after);
	if (skb->protocol == bpf_htons(ETH_P_IPV6) &&
	    bpf_l4_csum_replace(skb, error->l4 + offsetof(struct icmp_header, checksum), 0,
				difference, pseudo))
		return -1;
	if (!have_csum_ipv6)
		sum_update_ipv6(skb, difference);
	return rewrite_addresses(skb, error, after, difference);
}

/* Whether the ICMP error in the scratch is about a packet of a connection: finds that. */
__noinline int error_find(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	const struct connection *connection;

	if (!scratch || !quoted_parse(skb, &scratch->packet, &scratch->quoted))
		return 0;
	connection = connection_find(&scratch->quoted.key, &scratch->found);
	return connection && !is_shown_again(skb, connection, scratch->found.role);
}

/* Changes the ICMP error in the scratch, which is about a packet of the connection there. */
__noinline int error_translate(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	struct connection *connection;
	struct packet *quoted;

	if (!scratch || !skb)
		return GO_ON;
	quoted = &scratch->quoted;
	connection = connection_at(scratch->found.id);
	if (!connection)
		return GO_ON;
	/* A shorter way to the backend is none to the frontend. */
	if (is_redirect(&scratch->packet))
		return TC_ACT_SHOT;
	connection_rewrite(connection, &scratch->found, &quoted->key, &scratch->after);
	if (!connection_is_same(connection, &scratch->found, &scratch->after))
		return GO_ON;
	if (quoted_rewrite(skb, scratch) || error_rewrite(skb, scratch))
		return drop(skb, REASON_NOT_REWRITABLE);
	return GO_ON;
}

#endif
