/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a packet comes from: a pod of this node, the node itself, or elsewhere. */
#ifndef EBPF_PROXY_ORIGIN_H
#define EBPF_PROXY_ORIGIN_H

#include "connection.h"

enum source_kind {
	SOURCE_ELSEWHERE,
	SOURCE_POD,
	SOURCE_NODE,
};

/* Whether an address is in a prefix, both v4-mapped. */
static __always_inline bool prefix_has(const volatile struct prefix *prefix,
				       const struct address *address)
{
	__u32 length = prefix->length;

	if (!length)
		return false;
	for (__u32 word = 0; word < 4; word++) {
		__u32 bits = length > 32 * word ? length - 32 * word : 0;
		__u32 different = bpf_ntohl(prefix->address.word[word] ^ address->word[word]);

		if (bits < 32)
			different &= bits ? ~0U << (32 - bits) : 0;
		if (different)
			return false;
	}
	return true;
}

static __always_inline const struct device *device_at(__u32 ifindex)
{
	return table_lookup(&devices_slot, &ifindex);
}

/* Whether pods of this node can be told from other clients of an address's family. */
static __always_inline bool tells_pods(const struct address *client)
{
	if (local_detection != LOCAL_BY_PREFIX)
		return local_detection != LOCAL_UNKNOWN;
	return address_is_ipv4(client) ? local_ipv4.length : local_ipv6.length;
}

static __always_inline bool is_local_pod(const struct __sk_buff *skb, const struct address *source)
{
	if (local_detection == LOCAL_BY_PREFIX)
		return prefix_has(&local_ipv4, source) || prefix_has(&local_ipv6, source);
	if (local_detection == LOCAL_BY_DEVICE) {
		const struct device *device = device_at(skb->ifindex);

		return device && device->flags & DEVICE_LOCAL_PODS;
	}
	return false;
}

/* As kube-proxy tells them: first whether it is a pod, then whether it is the node. */
static __always_inline enum source_kind source_kind_of(const struct __sk_buff *skb,
						       const struct flow_key *key)
{
	if (key->hook == AT_INGRESS && is_local_pod(skb, &key->source))
		return SOURCE_POD;
	if (key->hook == AT_EGRESS || address_roles(&key->source) & ADDRESS_ON_DEVICE)
		return SOURCE_NODE;
	return SOURCE_ELSEWHERE;
}

#endif
