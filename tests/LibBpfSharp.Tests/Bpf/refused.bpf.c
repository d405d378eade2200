// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A program that the verifier refuses: it reads a map's value without asking whether there is one. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} table SEC(".maps");

SEC("tc")
int fine(struct __sk_buff *skb)
{
	(void)skb;
	return 0;
}

SEC("tc")
int careless(struct __sk_buff *skb)
{
	__u32 key = skb->len;
	__u64 *value = bpf_map_lookup_elem(&table, &key);

	return *value;
}

char _license[] SEC("license") = "GPL";
