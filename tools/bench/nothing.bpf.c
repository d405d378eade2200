// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that do nothing: what the kernel takes for running any at the hooks that ours are at. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define TCX_NEXT -1 /* linux/bpf.h of 6.6 */
#define PROCEED	 1

SEC("tcx/ingress")
int nothing_ingress(struct __sk_buff *skb)
{
	(void)skb;
	return TCX_NEXT;
}

SEC("tcx/egress")
int nothing_egress(struct __sk_buff *skb)
{
	(void)skb;
	return TCX_NEXT;
}

SEC("cgroup/connect4")
int nothing_connect4(struct bpf_sock_addr *ctx)
{
	(void)ctx;
	return PROCEED;
}

SEC("cgroup/sock_release")
int nothing_sock_release(struct bpf_sock *sock)
{
	(void)sock;
	return PROCEED;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
