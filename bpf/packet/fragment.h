/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fragments after the first one have no ports; they get those of the first. One that overtook it is
 * kept until it comes, and then comes in again behind it.
 */
#ifndef EBPF_PROXY_FRAGMENT_H
#define EBPF_PROXY_FRAGMENT_H

#include "connection_maps.h"
#include "packet.h"

static __always_inline struct fragment_key fragment_key_of(const struct packet *packet)
{
	return (struct fragment_key){
		.source = packet->key.source,
		.destination = packet->key.destination,
		.id = packet->fragment_id,
		.protocol = packet->key.protocol,
		.hook = packet->key.hook,
	};
}

/* Where a packet's frame begins: at its link header, or else at its IP header, whatever is before
 * that. */
static __always_inline __u32 frame_begin(const struct packet *packet)
{
	return packet->has_link ? 0 : packet->l3;
}

/* A frame on its way between a packet and the map: it is too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct held);
	__uint(max_entries, 1);
} frames SEC(".maps");

static __always_inline struct held *frame_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&frames, &zero);
}

/* Remembers the ports of a first fragment for those that follow; how many came before it. */
static __always_inline __u32 fragment_remember(const struct packet *packet)
{
	struct fragment_key key = fragment_key_of(packet);
	const struct fragment *before = bpf_map_lookup_elem(&fragments, &key);
	__u32 held = before ? before->held : 0;
	struct fragment ports = {
		.source_port = packet->key.source_port,
		.destination_port = packet->key.destination_port,
	};

	bpf_map_update_elem(&fragments, &key, &ports, BPF_ANY);
	return held;
}

/* Fills in the ports of a fragment; false where its first one was not seen. */
static __always_inline bool fragment_recall(struct packet *packet)
{
	struct fragment_key key = fragment_key_of(packet);
	const struct fragment *ports = bpf_map_lookup_elem(&fragments, &key);

	if (!ports || !(ports->source_port | ports->destination_port))
		return false;
	packet->key.source_port = ports->source_port;
	packet->key.destination_port = ports->destination_port;
	return true;
}

/* Keeps a frame, of a datagram whose first fragment was not seen yet; false where it cannot be. */
static __noinline bool fragment_hold(struct __sk_buff *skb, const struct packet *packet)
{
	struct held_key key = {.datagram = fragment_key_of(packet)};
	struct fragment *waiting = bpf_map_lookup_elem(&fragments, &key.datagram);
	struct fragment none = {};
	struct held *held = frame_get();
	__u32 begin = frame_begin(packet);
	__u32 length = skb->len - begin;

	if (!waiting) {
		bpf_map_update_elem(&fragments, &key.datagram, &none, BPF_NOEXIST);
		waiting = bpf_map_lookup_elem(&fragments, &key.datagram);
	}
	if (!waiting || !held)
		return false;
	key.number = waiting->held;
	if (key.number >= HELD_FRAGMENTS || length < ETH_HLEN || length > HELD_BYTES)
		return false;
	held->length = length;
	if (bpf_skb_load_bytes(skb, begin, held->frame, length) ||
	    bpf_map_update_elem(&held_fragments, &key, held, BPF_ANY))
		return false;
	waiting->held = key.number + 1;
	return true;
}

/* Makes a packet another frame. */
static __always_inline int frame_put(struct __sk_buff *skb, __u32 begin, const struct held *held)
{
	__u32 length = held->length;

	if (length < ETH_HLEN || length > HELD_BYTES || bpf_skb_change_tail(skb, begin + length, 0))
		return -1;
	return bpf_skb_store_bytes(skb, begin, held->frame, length, BPF_F_RECOMPUTE_CSUM);
}

/* Lets the fragments that wait for this one come in again behind it; nonzero where this one could
 * not be made what it was. It lends them its buffer, because a program cannot make a packet. */
static __noinline int fragments_release(struct __sk_buff *skb, const struct packet *packet,
					__u32 count)
{
	struct held_key key = {.datagram = fragment_key_of(packet)};
	struct held *own = frame_get();
	__u32 begin = frame_begin(packet);
	__u32 length = skb->len - begin;

	if (!own)
		return 0;
	if (length < ETH_HLEN || length > HELD_BYTES ||
	    bpf_skb_load_bytes(skb, begin, own->frame, length))
		return 0;
	own->length = length;
	for (__u32 number = 0; number < HELD_FRAGMENTS && number < count; number++) {
		struct held *held;

		key.number = number;
		held = bpf_map_lookup_elem(&held_fragments, &key);
		if (!held)
			continue;
		if (!frame_put(skb, begin, held))
			bpf_clone_redirect(skb, skb->ifindex, BPF_F_INGRESS);
		bpf_map_delete_elem(&held_fragments, &key);
	}
	return frame_put(skb, begin, own);
}

#endif
