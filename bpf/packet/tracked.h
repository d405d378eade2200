/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The controller's table of what the kernel's connection tracking translates. */
#ifndef EBPF_PROXY_TRACKED_H
#define EBPF_PROXY_TRACKED_H

#include "connection.h"

/* After how many seconds of silence connection tracking forgets a flow. While there is no
 * controller that says so, this does. */
static __always_inline __u32 tracked_timeout(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return timeouts.tcp_established;
	case IPPROTO_UDP:
		return timeouts.udp_stream;
	default:
		return timeouts.sctp;
	}
}

/* Whether connection tracking translates a packet that comes in, as far as the table says. */
static __noinline bool tracked_has(const struct flow_key *key)
{
	struct tracked *row = bpf_map_lookup_elem(&tracked, key);
	__u64 now, last;

	if (!row)
		return false;
	now = now_ns();
	last = READ_ONCE(row->last_seen_ns);
	if (now > last && now - last > tracked_timeout(key->protocol) * SECOND)
		return false;
	if (now > last + SECOND)
		row->last_seen_ns = now;
	return true;
}

#endif
