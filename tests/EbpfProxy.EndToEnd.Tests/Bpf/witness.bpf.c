// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program that somebody else has at a device: it counts what it sees, by destination, and lets
 * the next one decide. Of each packet with an Ethernet header and without IPv4 options. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __be32);
	__type(value, __u32);
} seen SEC(".maps");

SEC("tc")
int witness(struct __sk_buff *skb)
{
	__u32 one = 1, *count;
	__be32 destination;

	if (skb->protocol != __builtin_bswap16(ETH_P_IP) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, daddr), &destination,
			       sizeof(destination)))
		return TC_ACT_UNSPEC;
	count = bpf_map_lookup_elem(&seen, &destination);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&seen, &destination, &one, BPF_ANY);
	return TC_ACT_UNSPEC;
}

/* One that decides: nobody after it is asked, and the kernel writes to tc_index. */
SEC("tc")
int accept_all(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
