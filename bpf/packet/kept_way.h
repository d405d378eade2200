/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ways that were found a moment ago, so that not each packet of a burst asks the kernel's rules,
 * routes and neighbours, which costs more than all else that an established flow needs. What
 * changes there counts for it some milliseconds later.
 */
#ifndef EBPF_PROXY_KEPT_WAY_H
#define EBPF_PROXY_KEPT_WAY_H

#include "way.h"

/* For how long a way is kept, in nanoseconds: two ticks of a clock of 250 Hz. */
#define WAY_LIFETIME 8000000ULL

static __always_inline struct kept_way *kept_way_slot(struct scratch *scratch)
{
	__u32 index = scratch->found.id << 1 | is_answer(scratch->found.role);

	return &scratch->kept_ways[index % KEPT_WAYS];
}

/* The way that a packet of this size of the connection in the scratch went by a moment ago; NULL
 * where it is to be found. */
static __always_inline const struct way *way_recall(const struct __sk_buff *skb,
						    struct scratch *scratch, __u32 size)
{
	const struct kept_way *kept = kept_way_slot(scratch);
	const struct found *found = &scratch->found;

	return kept->connection == found->id && kept->generation == found->generation &&
			       kept->role == found->role && kept->came_by == skb->ifindex &&
			       kept->service_type == scratch->packet.service_type && size &&
			       size <= kept->way.size &&
			       scratch->now_ns - kept->found_ns < WAY_LIFETIME
		       ? &kept->way
		       : NULL;
}

/* Keeps the way in the scratch for the packets after this one. */
static __always_inline const struct way *way_keep(const struct __sk_buff *skb,
						  struct scratch *scratch)
{
	const struct device *device = device_at(scratch->way.device);
	struct kept_way *kept = kept_way_slot(scratch);

	kept->way = scratch->way;
	kept->way.is_to_pod = scratch->way.has_macs && device && device->flags & DEVICE_HAS_PEER;
	/* One whose neighbour is yet to be found is asked for again. */
	kept->found_ns = scratch->way.has_macs ? scratch->now_ns : 0;
	kept->connection = scratch->found.id;
	kept->generation = scratch->found.generation;
	kept->role = scratch->found.role;
	kept->service_type = scratch->packet.service_type;
	kept->came_by = skb->ifindex;
	return &kept->way;
}

#endif
