/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the packet path cannot know by itself, beside config.h. User space sets it before load.
 */
#ifndef EBPF_PROXY_TC_CONFIG_H
#define EBPF_PROXY_TC_CONFIG_H

#include "config.h"

/* How many connections there is room for: the ids are below. */
const volatile __u32 connection_count = SMALL_TABLE;

/* The ports that clients are masqueraded with. */
const volatile __u16 source_port_first = 1024;
const volatile __u16 source_port_count = 28976;

/* The kernel has bpf_csum_level and a pseudo header of IPv6 in bpf_l4_csum_replace. */
const volatile bool have_csum_ipv6 = false;

/* The kernel has bpf_ktime_get_coarse_ns (5.11). */
const volatile bool have_coarse_time = false;

enum local_detection {
	LOCAL_UNKNOWN = 0,
	LOCAL_BY_PREFIX = 1,
	LOCAL_BY_DEVICE = 2,
};

/* How a packet of a pod of this node is told from others. */
const volatile __u8 local_detection = LOCAL_UNKNOWN;

struct prefix {
	struct address address;
	__u32 length; /* of the v4-mapped address */
};

const volatile struct prefix local_ipv4 = {};
const volatile struct prefix local_ipv6 = {};

const volatile bool masquerade_all = false;

/* Under policy Cluster the client's address is kept for backends of this node. */
const volatile bool preserve_client = false;

/* After how many seconds without a packet a connection is over. */
struct timeouts {
	__u32 tcp_syn;
	__u32 tcp_established;
	__u32 tcp_closing;
	__u32 tcp_closed;
	__u32 udp;
	__u32 udp_stream;
	__u32 icmp;
	__u32 sctp;
};

const volatile struct timeouts timeouts = {};

const volatile __u32 refusals_per_second = 1000;

#endif
