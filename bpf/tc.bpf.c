/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The programs at network devices. */
#include <linux/pkt_cls.h>

#include "connection_maps.h"
#include "tc_config.h"

SEC("tc")
int proxy_ingress(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int proxy_egress(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int proxy_ingress_ip(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

SEC("tc")
int proxy_egress_ip(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
