// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A packet of an established flow there and back in one run, so that the next run of a repeated
 * test run finds it as it was: asked, turned round, answered, turned round again.
 */
#include "../../../bpf/tc.bpf.c"

/* Makes a packet the answer to itself; no checksum changes by it. */
static __always_inline void turn(struct __sk_buff *skb)
{
	__u32 addresses = ETH_HLEN + offsetof(struct iphdr, saddr);
	__u32 ports = ETH_HLEN + sizeof(struct iphdr);
	__be32 address[2];
	__be16 port[2];

	if (bpf_skb_load_bytes(skb, addresses, address, sizeof(address)) ||
	    bpf_skb_load_bytes(skb, ports, port, sizeof(port)))
		return;
	bpf_skb_store_bytes(skb, addresses, &address[1], sizeof(address[1]), 0);
	bpf_skb_store_bytes(skb, addresses + 4, &address[0], sizeof(address[0]), 0);
	bpf_skb_store_bytes(skb, ports, &port[1], sizeof(port[1]), 0);
	bpf_skb_store_bytes(skb, ports + 2, &port[0], sizeof(port[0]), 0);
}

/* Global functions: the verifier walks through each by itself, and not through one after the other.
 */
__attribute__((noinline)) int ask_once(struct __sk_buff *skb)
{
	return handle_ingress(skb, ETH_HLEN, true);
}

__attribute__((noinline)) int answer_once(struct __sk_buff *skb)
{
	return handle_egress(skb, ETH_HLEN, true);
}

SEC("tc")
int pair(struct __sk_buff *skb)
{
	ask_once(skb);
	turn(skb);
	answer_once(skb);
	turn(skb);
	return TC_ACT_OK;
}

/* What is to be taken off that. */
SEC("tc")
int turns(struct __sk_buff *skb)
{
	turn(skb);
	turn(skb);
	return TC_ACT_OK;
}
