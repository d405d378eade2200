/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What anybody can make us do by sending packets is done so many times a second. */
#ifndef EBPF_PROXY_BUDGET_H
#define EBPF_PROXY_BUDGET_H

#include "connection_maps.h"

/* Takes one of what a CPU may answer; false where it has answered enough. A bucket that holds a
 * second's worth, as the kernel's own for ICMP errors (net.ipv4.icmp_msgs_per_sec). */
static __always_inline bool budget_take(__u32 each_second)
{
	__u32 zero = 0;
	struct budget *budget = bpf_map_lookup_elem(&refusal_budget, &zero);
	__u64 now = bpf_ktime_get_ns();
	__u64 gained;

	if (!budget || !each_second)
		return false;
	gained = (now - budget->refilled_ns) / (SECOND / each_second);
	if (gained) {
		budget->tokens += gained;
		if (budget->tokens > each_second)
			budget->tokens = each_second;
		budget->refilled_ns = now;
	}
	if (!budget->tokens)
		return false;
	budget->tokens--;
	return true;
}

#endif
