/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tells a tracer what becomes of new connections. While nobody traces, that is one word that is
 * looked at where a connection begins or is refused, and nowhere else.
 */
#ifndef EBPF_PROXY_TRACE_H
#define EBPF_PROXY_TRACE_H

#include "address.h"
#include "trace_maps.h"

/* What somebody wants to hear; NULL while nobody does. A tracer that died does not move the time on
 * that it left. */
static __always_inline const struct trace_filter *trace_filter(void)
{
	__u32 zero = 0;
	const struct trace_filter *filter = bpf_map_lookup_elem(&trace_filters, &zero);
	__u64 until;

	if (!filter)
		return NULL;
	until = READ_ONCE(filter->until_ns);
	return until && bpf_ktime_get_ns() < until ? filter : NULL;
}

static __always_inline bool trace_wants_service(const struct trace_filter *filter,
						const struct trace_event *event)
{
	if (!filter->service_count)
		return true;
	if (!event->has_service)
		return false;
	for (__u32 i = 0; i < TRACE_SERVICES; i++) {
		if (i < filter->service_count && filter->services[i] == event->service)
			return true;
	}
	return false;
}

/* A function of its own, so that the layout of events stands in the object's BTF. */
static __noinline bool trace_wants(const struct trace_filter *filter,
				   const struct trace_event *event)
{
	if (filter->protocol && filter->protocol != event->protocol)
		return false;
	if (filter->port && filter->port != event->client_port &&
	    filter->port != event->frontend_port && filter->port != event->backend_port)
		return false;
	if (!address_is_any(&filter->address) && !address_equal(&filter->address, &event->client) &&
	    !address_equal(&filter->address, &event->frontend) &&
	    !address_equal(&filter->address, &event->backend))
		return false;
	return trace_wants_service(filter, event);
}

/* Begins to tell of something; NULL where there is no room, and it is counted as lost. */
static __always_inline struct trace_event *trace_begin(void)
{
	struct trace_event *event = bpf_ringbuf_reserve(&trace_events, sizeof(*event), 0);
	__u32 zero = 0;
	__u64 *losses;

	if (event) {
		__builtin_memset(event, 0, sizeof(*event));
		event->time_ns = bpf_ktime_get_ns();
		return event;
	}
	losses = bpf_map_lookup_elem(&trace_losses, &zero);
	if (losses)
		__sync_fetch_and_add(losses, 1);
	return NULL;
}

static __always_inline void trace_end(const struct trace_filter *filter, struct trace_event *event)
{
	if (trace_wants(filter, event))
		bpf_ringbuf_submit(event, 0);
	else
		bpf_ringbuf_discard(event, 0);
}

#endif
