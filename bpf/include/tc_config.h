/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the packet path cannot know by itself. User space sets it before load. */
#ifndef EBPF_PROXY_TC_CONFIG_H
#define EBPF_PROXY_TC_CONFIG_H

#include "config.h"

/* How packets of pods of this node are told from others. */
enum local_detection {
	LOCAL_UNKNOWN = 0,   /* they are not: nothing counts as a pod of this node */
	LOCAL_BY_PREFIX = 1, /* by their source address */
	LOCAL_BY_DEVICE = 2, /* by the device that they come in by (DEVICE_LOCAL_PODS) */
};

struct prefix {
	struct address address;
	__u32 length; /* of the v4-mapped address; 0: no address is in it */
};

/* After how many seconds without a packet a connection is over, as nf_conntrack has them. */
struct timeouts {
	__u32 tcp_syn;
	__u32 tcp_established;
	__u32 tcp_close_wait; /* one side has closed */
	__u32 tcp_closing;    /* both have */
	__u32 tcp_closed;     /* by a reset */
	__u32 udp;
	__u32 udp_stream; /* answered */
	__u32 sctp;
};

const volatile __u8 local_detection = LOCAL_UNKNOWN;
const volatile struct prefix local_ipv4 = {};
const volatile struct prefix local_ipv6 = {};

/* Whether cluster IPs are masqueraded whoever asks. */
const volatile bool masquerade_all = false;

/* Whether backends on this node see the client under external policy Cluster too. */
const volatile bool preserve_client = false;

const volatile struct timeouts timeouts = {
	.tcp_syn = 120,
	.tcp_established = 86400,
	.tcp_close_wait = 3600,
	.tcp_closing = 120,
	.tcp_closed = 10,
	.udp = 30,
	.udp_stream = 120,
	.sctp = 210,
};

/* How many packets a second are answered with an ICMP error or RST, on each CPU. */
const volatile __u32 refusals_per_second = 1000;

/* Of the digests of flows, and how many buckets they belong to; for a table as the objects have it.
 */
const volatile struct flow_secret flow_secret = {
	/* The first digits of pi, as good as any. */
	{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0x082efa98,
	 0xec4e6c89, 0x452821e6, 0x38d01377},
};
const volatile __u32 flow_homes = SMALL_TABLE;

/* The table of tracked flows is kept, because connection tracking cannot be asked (before 5.18). */
const volatile bool conntrack_is_followed = false;

/* The kernel has bpf_ktime_get_coarse_ns (5.11). */
const volatile bool have_coarse_time = false;

/* The kernel knows that the checksum of an IPv6 packet does not change with its addresses
 * (BPF_F_IPV6 of bpf_l4_csum_replace, 6.16). */
const volatile bool have_csum_ipv6 = false;

/* What ipip, sit and gre devices take out of another packet comes in with the header of that one
 * before it (before 5.14). */
const volatile bool outer_header_stays = false;

#endif
