/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where a program of the packet path works on its packet, and what its functions tell each other.
 * The stack is too small for it. And functions that take nothing but the packet can be global: the
 * verifier goes through each of them once, not once for every way that its callers come to it.
 *
 * A program is done with it before another begins on its CPU, because they run with bottom halves
 * off and redirect only after their end.
 */
#ifndef EBPF_PROXY_SCRATCH_H
#define EBPF_PROXY_SCRATCH_H

#include "backend.h"
#include "connection.h"

/* Where a packet goes next. */
struct way {
	__u32 device;	 /* 0: nowhere from here */
	__u32 size;	 /* of a packet that fits: the largest that does since 5.12 */
	bool is_too_big; /* for the device, or for the path beyond it */
	bool has_encap;	 /* the route says where a tunnel ends; by which device is not told */
	bool has_macs;
	bool is_to_pod; /* whose end of the device is reached at once */
	struct {
		__u8 destination[ETH_ALEN];
		__u8 source[ETH_ALEN];
	} macs; /* of the next hop and of the device */
};

/* One that was found a moment ago (kept_way.h). */
struct kept_way {
	__u64 found_ns;
	__u32 connection;
	__u32 generation;
	__u32 came_by; /* the device */
	__u8 role;     /* enum flow_role */
	__u8 service_type;
	struct way way;
};

/* How many are kept on a CPU; each connection has one place for either direction. */
#define KEPT_WAYS 128

struct scratch {
	struct packet packet;
	struct found found;	  /* the connection of the packet */
	bool is_unknown;	  /* was looked for where it came in, and is of none */
	struct frontend frontend; /* that it goes to */
	struct choice choice;	  /* the backend that it gets */
	__u64 now_ns;
	struct way way;
	struct packet quoted;  /* by an ICMP error */
	struct rewrite after;  /* what the packet becomes */
	struct rewrite turned; /* what the quoted one becomes */
	struct flow_key key;   /* of a packet that is asked about: the quoted one, as it was sent */
	struct flow_key row;   /* of a row that is being added; here, for want of stack */
	struct flow_key gone;  /* of one that is being removed */
	bool has_ended;	       /* the packet has ended the connection that had its addresses */
	struct flow ended;     /* that one */
	struct connection old; /* what it was */
	struct kept_way kept_ways[KEPT_WAYS];
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

/* Reads the packet into the scratch; its kind. */
__noinline int packet_parse(struct __sk_buff *skb, __u32 l3, __u32 hook, bool has_link)
{
	struct scratch *scratch = scratch_get();

	if (!scratch)
		return KIND_OTHER;
	scratch->has_ended = false;
	scratch->is_unknown = false;
	packet_begin(&scratch->packet, l3, hook);
	scratch->packet.has_link = has_link;
	scratch->packet.kind = packet_read(skb, &scratch->packet);
	return scratch->packet.kind;
}

#endif
