/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a program of the packet path works on its packet: the stack is too small for it, and what
 * is here the verifier need not follow. A program is done with it before another begins on its CPU,
 * because they run with bottom halves off and redirect only after their end.
 */
#ifndef EBPF_PROXY_SCRATCH_H
#define EBPF_PROXY_SCRATCH_H

#include "rewrite.h"

struct scratch {
	struct packet packet;
	struct packet quoted;  /* by an ICMP error */
	struct rewrite after;  /* what the packet becomes */
	struct rewrite turned; /* what the quoted one becomes */
	struct flow_key key;   /* of a row that is written */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct scratch);
	__uint(max_entries, 1);
} scratches SEC(".maps");

static __always_inline struct scratch *scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

#endif
