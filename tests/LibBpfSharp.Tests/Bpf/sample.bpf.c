// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the tests load: a map of each kind that the library has a view for, and a program for each
 * way to attach. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	__u32 first;
	__u32 second;
};

const volatile __u32 answer;
const volatile struct pair limits;
const volatile __u8 is_open;

/* Grown by the tests before it is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 2);
} counters SEC(".maps");

struct numbers {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__type(key, __u32);
	__type(value, struct pair);
	__uint(max_entries, 4);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct numbers);
} numbers_slot SEC(".maps") = { .values = { [0] = &numbers } };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} records SEC(".maps");

/* Returns numbers[1].second of the current inner map; counts; records the packet's length. */
SEC("tc")
int read_number(struct __sk_buff *skb)
{
	__u32 zero = 0, one = 1;
	__u32 *count = bpf_map_lookup_elem(&counters, &one);
	void *inner = bpf_map_lookup_elem(&numbers_slot, &zero);
	struct pair *pair;
	__u32 *record;

	if (count)
		*count += 1;
	record = bpf_ringbuf_reserve(&records, sizeof(*record), 0);
	if (record) {
		*record = skb->len;
		bpf_ringbuf_submit(record, 0);
	}
	if (!inner)
		return -1;
	pair = bpf_map_lookup_elem(inner, &one);
	return pair ? pair->second : -1;
}

SEC("tc")
int read_globals(struct __sk_buff *skb)
{
	(void)skb;
	return answer + limits.second + is_open;
}

SEC("tc")
int read_table(struct __sk_buff *skb)
{
	__u32 key = skb->len;
	__u64 *value = bpf_map_lookup_elem(&table, &key);

	return value ? *value : 0;
}

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("cgroup/connect4")
int sample_refuse(struct bpf_sock_addr *ctx)
{
	(void)ctx;
	return 0;
}

SEC("cgroup/connect4")
int sample_allow(struct bpf_sock_addr *ctx)
{
	(void)ctx;
	return 1;
}

char _license[] SEC("license") = "GPL";
