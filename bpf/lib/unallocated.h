/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses that only services may have, and that none has: what goes there is for nobody. */
#ifndef EBPF_PROXY_UNALLOCATED_H
#define EBPF_PROXY_UNALLOCATED_H

#include "allocate.h"
#include "conntrack.h"
#include "verdict.h"

static __always_inline bool service_prefix_has(const struct service_prefix *prefix,
					       const struct address *address)
{
	__u32 different = 0;

	for (int word = 0; word < 4; word++)
		different |= (address->word[word] ^ prefix->address.word[word]) &
			     prefix->mask.word[word];
	return !different;
}

/* Whether it is known which addresses only services have. */
static __always_inline bool has_service_prefixes(void)
{
	__u32 first = 0;
	const struct service_prefix *prefix = bpf_map_lookup_elem(&service_prefixes, &first);

	return prefix && READ_ONCE(prefix->is_used);
}

/* Whether an address that is in no table is in a ServiceCIDR. There are one or two of these. */
static __always_inline bool address_is_unallocated(const struct address *address)
{
	for (__u32 i = 0; i < MAX_SERVICE_PREFIXES; i++) {
		__u32 index = i;
		const struct service_prefix *prefix =
			bpf_map_lookup_elem(&service_prefixes, &index);

		if (!prefix || !READ_ONCE(prefix->is_used))
			break;
		if (service_prefix_has(prefix, address))
			return true;
	}
	return false;
}

/* What becomes of a packet of the node itself to an address that is in no table. A flow that the
 * rules of another component translate goes on until it ends. */
static __always_inline int packet_to_stranger(struct __sk_buff *skb, struct packet *packet)
{
	if (!address_is_unallocated(&packet->key.destination) || path_is_handed_back())
		return GO_ON;
	packet->key.hook = AT_INGRESS;
	if (packet->kind == KIND_TRANSPORT &&
	    conntrack_ask(skb, &packet->key) == CONNTRACK_TRANSLATES)
		return GO_ON;
	return drop(skb, REASON_UNALLOCATED);
}

#endif
