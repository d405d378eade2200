/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps between the programs and one who traces. */
#ifndef EBPF_PROXY_TRACE_MAPS_H
#define EBPF_PROXY_TRACE_MAPS_H

#include "maps.h"
#include "trace_abi.h"

#define TRACE_BYTES (256 * 1024)

/* What a tracer wants to hear. It writes; hooks and the packet path read where a connection begins
 * or is refused. One record: there is one tracer at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct trace_filter);
	__uint(max_entries, 1);
} trace_filters SEC(".maps");

/* What it hears. Hooks and the packet path write; the tracer reads. When it is full, what is new is
 * lost, and counted. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, TRACE_BYTES);
} trace_events SEC(".maps");

/* How many events were lost. Hooks and the packet path add; the tracer reads. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} trace_losses SEC(".maps");

#endif
