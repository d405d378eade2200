/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's own connection tracking: what it translates already, as kube-proxy's rules made it,
 * is left to it until it ends. It is asked where it can be (5.18), else the controller's table says
 * what it translates.
 */
#ifndef EBPF_PROXY_CONNTRACK_H
#define EBPF_PROXY_CONNTRACK_H

#include "tracked.h"

/* IPS_SRC_NAT and IPS_DST_NAT of linux/netfilter/nf_conntrack_common.h. */
#define CT_SOURCE_CHANGED      (1UL << 4)
#define CT_DESTINATION_CHANGED (1UL << 5)

/* IP_CT_DIR_REPLY of linux/netfilter/nf_conntrack_tuple_common.h. */
#define CT_DIRECTION_REPLY 1

/* The kernel's types, as far as they are used; found by name in its BTF. */
struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

struct bpf_ct_opts___ours {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 dir;
	__u8 reserved[2];
};

extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb, struct bpf_sock_tuple *tuple,
					 __u32 tuple_size, struct bpf_ct_opts___ours *options,
					 __u32 options_size) __weak __ksym;
extern void bpf_ct_release(struct nf_conn *connection) __weak __ksym;

enum conntrack_answer {
	CONNTRACK_UNKNOWN,     /* it does not know the flow, or cannot be asked */
	CONNTRACK_KNOWS,       /* it does, and leaves it as it is */
	CONNTRACK_ANSWERS,     /* the same, and the packet is of who answers */
	CONNTRACK_MASQUERADES, /* it shows the receiver another sender */
	CONNTRACK_TRANSLATES,  /* it sends it to another destination */
};

static __always_inline enum conntrack_answer conntrack_answer_of(unsigned long status)
{
	if (status & CT_DESTINATION_CHANGED)
		return CONNTRACK_TRANSLATES;
	return status & CT_SOURCE_CHANGED ? CONNTRACK_MASQUERADES : CONNTRACK_KNOWS;
}

static __noinline enum conntrack_answer conntrack_look_up(struct __sk_buff *skb,
							  const struct flow_key *key)
{
	bool is_ipv4 = skb->protocol == bpf_htons(ETH_P_IP);
	struct bpf_ct_opts___ours options = {.netns_id = -1, .l4proto = key->protocol};
	struct bpf_sock_tuple tuple = {};
	enum conntrack_answer answer;
	struct nf_conn *connection;

	if (!bpf_skb_ct_lookup || !bpf_ct_release)
		return CONNTRACK_UNKNOWN;
	if (key->protocol != IPPROTO_TCP && key->protocol != IPPROTO_UDP)
		return CONNTRACK_UNKNOWN;
	if (is_ipv4) {
		tuple.ipv4.saddr = key->source.word[3];
		tuple.ipv4.daddr = key->destination.word[3];
		tuple.ipv4.sport = key->source_port;
		tuple.ipv4.dport = key->destination_port;
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, &key->source, sizeof(struct address));
		__builtin_memcpy(tuple.ipv6.daddr, &key->destination, sizeof(struct address));
		tuple.ipv6.sport = key->source_port;
		tuple.ipv6.dport = key->destination_port;
	}
	connection =
		bpf_skb_ct_lookup(skb, &tuple, is_ipv4 ? sizeof(tuple.ipv4) : sizeof(tuple.ipv6),
				  &options, sizeof(options));
	if (!connection)
		return CONNTRACK_UNKNOWN;
	answer = conntrack_answer_of(connection->status);
	bpf_ct_release(connection);
	return answer == CONNTRACK_KNOWS && options.dir == CT_DIRECTION_REPLY ? CONNTRACK_ANSWERS
									      : answer;
}

/* What it says of the flow of a packet, of whichever direction. The table knows packets AT_INGRESS
 * alone. */
static __always_inline enum conntrack_answer conntrack_ask(struct __sk_buff *skb,
							   const struct flow_key *key)
{
	if (conntrack_is_followed)
		return tracked_has(key) ? CONNTRACK_TRANSLATES : CONNTRACK_UNKNOWN;
	return conntrack_look_up(skb, key);
}

#endif
