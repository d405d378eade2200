/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fragments after the first one have no ports; they get those of the first. */
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

/* Remembers the ports of a first fragment for those that follow. */
static __always_inline void fragment_remember(const struct packet *packet)
{
	struct fragment_key key = fragment_key_of(packet);
	struct fragment ports = {
		.source_port = packet->key.source_port,
		.destination_port = packet->key.destination_port,
	};

	bpf_map_update_elem(&fragments, &key, &ports, BPF_ANY);
}

/* Fills in the ports of a fragment; false where its first one was not seen. */
static __always_inline bool fragment_recall(struct packet *packet)
{
	struct fragment_key key = fragment_key_of(packet);
	const struct fragment *ports = bpf_map_lookup_elem(&fragments, &key);

	if (!ports)
		return false;
	packet->key.source_port = ports->source_port;
	packet->key.destination_port = ports->destination_port;
	return true;
}

#endif
