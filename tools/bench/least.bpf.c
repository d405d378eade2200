// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The least that a node port by tc can be: TCP over IPv4 to one backend, a hash of what begins and
 * ends, both ends of each packet changed at once, and out by the other device or on through the
 * stack. No policy, state, time-out, count, fragment, ICMP error, route of its own or second
 * address: what is measured here no datapath that is whole comes below.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TCX_NEXT -1 /* linux/bpf.h of 6.6 */

/* As stage.sh has them. */
#define NODE	    bpf_htonl(0x0a010001) /* 10.1.0.1 */
#define BACKEND	    bpf_htonl(0x0a020002) /* 10.2.0.2 */
#define PORT	    bpf_htons(8080)
#define PORT_MASKED bpf_htons(30080)
#define PORT_KEPT   bpf_htons(30081)

struct ends {
	__be32 source, destination;
	__be16 source_port, destination_port;
};

struct change {
	struct ends after;
	__u32 way;
};

/* A device that leads to a pod, and the link header for it. */
struct way {
	__u32 device;
	__u8 destination[ETH_ALEN], source[ETH_ALEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct ends);
	__type(value, struct change);
} least_flows SEC(".maps");

/* To the client and to the server. */
#define TO_CLIENT 0
#define TO_SERVER 1
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct way);
} least_ways SEC(".maps");

static __always_inline struct ends turned(const struct ends *ends)
{
	return (struct ends){ends->destination, ends->source, ends->destination_port,
			     ends->source_port};
}

static __always_inline bool begin(const struct ends *ask, struct change *change)
{
	struct change back = {.after = turned(ask), .way = TO_CLIENT};
	struct ends answer;

	change->after = *ask;
	change->after.destination = BACKEND;
	change->after.destination_port = PORT;
	if (ask->destination_port == PORT_MASKED)
		change->after.source = NODE;
	change->way = TO_SERVER;
	answer = turned(&change->after);
	return !bpf_map_update_elem(&least_flows, ask, change, BPF_ANY) &&
	       !bpf_map_update_elem(&least_flows, &answer, &back, BPF_ANY);
}

static __always_inline void end(const struct ends *ask, const struct change *change)
{
	struct ends answer = turned(&change->after);

	bpf_map_delete_elem(&least_flows, ask);
	bpf_map_delete_elem(&least_flows, &answer);
}

static __always_inline __sum16 sum_changed(__sum16 sum, const __be32 *before, const __be32 *after,
					   __u32 size)
{
	__u64 folded = bpf_csum_diff((__be32 *)before, size, (__be32 *)after, size, (__u16)~sum);

	folded = (folded & 0xffff) + (folded >> 16);
	folded = (folded & 0xffff) + (folded >> 16);
	return (__sum16)~folded;
}

/* Who sends to whom; false where the packet is not looked at. */
static __always_inline bool ends_of(const struct __sk_buff *skb, struct ends *ends, bool *begins,
				    bool *closes)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > data_end || skb->protocol != bpf_htons(ETH_P_IP) || ip->ihl != 5 ||
	    ip->protocol != IPPROTO_TCP)
		return false;
	*ends = (struct ends){ip->saddr, ip->daddr, tcp->source, tcp->dest};
	*begins = tcp->syn && !tcp->ack;
	*closes = tcp->rst;
	return true;
}

/* Fills in what becomes of a packet; TC_ACT_OK, or the verdict of one that nothing becomes of. */
static __always_inline int find(const struct __sk_buff *skb, struct ends *ends,
				struct change *change)
{
	const struct change *known;
	bool begins, closes;

	if (!ends_of(skb, ends, &begins, &closes))
		return TCX_NEXT;
	known = bpf_map_lookup_elem(&least_flows, ends);
	if (known) {
		*change = *known;
	} else {
		if (ends->destination != NODE || !begins ||
		    (ends->destination_port != PORT_MASKED && ends->destination_port != PORT_KEPT))
			return TCX_NEXT;
		if (!begin(ends, change))
			return TC_ACT_SHOT;
	}
	if (closes)
		end(ends, change);
	return TC_ACT_OK;
}

/* Changes both ends; false where that cannot be done. */
static __always_inline bool rewrite(struct __sk_buff *skb, const struct ends *ends,
				    const struct ends *after, const struct way *way)
{
	void *data = (void *)(long)skb->data, *data_end = (void *)(long)skb->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > data_end)
		return false;
	ip->check = sum_changed(ip->check, &ends->source, &after->source, 8);
	if (way) {
		/* One hop less, in the upper half of its word. */
		ip->check += bpf_htons(0x0100) + (ip->check >= bpf_htons(0xfeff));
		ip->ttl--;
	}
	/* Of a packet whose sum is for the device to make, the field has that of the addresses. */
	if (bpf_l4_csum_replace(
		    skb, ETH_HLEN + sizeof(*ip) + offsetof(struct tcphdr, check), 0,
		    bpf_csum_diff((__be32 *)&ends->source, 8, (__be32 *)&after->source, 8, 0),
		    BPF_F_PSEUDO_HDR) ||
	    bpf_l4_csum_replace(skb, ETH_HLEN + sizeof(*ip) + offsetof(struct tcphdr, check), 0,
				bpf_csum_diff((__be32 *)&ends->source_port, 4,
					      (__be32 *)&after->source_port, 4, 0),
				0))
		return false;
	data = (void *)(long)skb->data;
	data_end = (void *)(long)skb->data_end;
	ip = data + ETH_HLEN;
	tcp = (void *)(ip + 1);
	if ((void *)(tcp + 1) > data_end)
		return false;
	ip->saddr = after->source;
	ip->daddr = after->destination;
	tcp->source = after->source_port;
	tcp->dest = after->destination_port;
	if (way)
		__builtin_memcpy(data, way->destination, 2 * ETH_ALEN);
	return true;
}

/* Around the stack, at both devices. */
SEC("tcx/ingress")
int least_ingress(struct __sk_buff *skb)
{
	struct change change = {};
	struct ends ends;
	struct way *way;
	int verdict = find(skb, &ends, &change);

	if (verdict != TC_ACT_OK)
		return verdict;
	way = bpf_map_lookup_elem(&least_ways, &change.way);
	if (!way || !rewrite(skb, &ends, &change.after, way))
		return TC_ACT_SHOT;
	return bpf_redirect_peer(way->device, 0);
}

static __always_inline int through_stack(struct __sk_buff *skb)
{
	struct change change = {};
	struct ends ends;
	int verdict = find(skb, &ends, &change);

	if (verdict != TC_ACT_OK)
		return verdict;
	return rewrite(skb, &ends, &change.after, NULL) ? TCX_NEXT : TC_ACT_SHOT;
}

/* Through the stack, where the client is kept: at the client's device alone. */
SEC("tcx/ingress")
int least_to_stack(struct __sk_buff *skb)
{
	return through_stack(skb);
}

SEC("tcx/egress")
int least_from_stack(struct __sk_buff *skb)
{
	return through_stack(skb);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
