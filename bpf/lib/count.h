/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef EBPF_PROXY_COUNT_H
#define EBPF_PROXY_COUNT_H

#include "maps.h"

/* Adds atomically, because a program in a softirq may interrupt another one. */
static __always_inline void count(enum reason reason)
{
	__u32 index = reason;
	__u64 *counter = bpf_map_lookup_elem(&counters, &index);

	if (counter)
		__sync_fetch_and_add(counter, 1);
}

#endif
