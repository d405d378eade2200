/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef EBPF_PROXY_TRACE_PACKET_H
#define EBPF_PROXY_TRACE_PACKET_H

#include "scratch.h"
#include "tally.h"
#include "trace.h"

/* Tells who traces what becomes of the packet in the scratch. */
__noinline int trace_packet(struct __sk_buff *skb, __u32 reason)
{
	const struct trace_filter *filter = trace_filter();
	const struct scratch *scratch = scratch_get();
	struct trace_event *event;

	if (!filter || !scratch)
		return 0;
	event = trace_begin();
	if (!event)
		return 0;
	event->client = scratch->packet.key.source;
	event->client_port = scratch->packet.key.source_port;
	event->frontend = scratch->packet.key.destination;
	event->frontend_port = scratch->packet.key.destination_port;
	event->protocol = scratch->packet.key.protocol;
	event->reason = reason;
	event->device = skb->ifindex;
	if (reason == REASON_CONNECTION_OPENED) {
		event->backend = scratch->choice.address;
		event->backend_port = scratch->choice.port;
	}
	event->has_service = reason_is_of_service(reason);
	event->service = scratch->frontend.service;
	trace_end(filter, event);
	return 0;
}

#endif
