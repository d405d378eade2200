/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fragments after the first one have no ports; they get those of the first. One that overtook it is
 * sent round: it comes in again behind what its device has received since. That takes a few
 * microseconds a turn, so it bridges the reordering of parallel links and queues, and no more.
 */
#ifndef EBPF_PROXY_FRAGMENT_H
#define EBPF_PROXY_FRAGMENT_H

#include "budget.h"
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

	if (!ports || !(ports->source_port | ports->destination_port))
		return false;
	packet->key.source_port = ports->source_port;
	packet->key.destination_port = ports->destination_port;
	return true;
}

#define FRAGMENT_TURNS		64
#define FRAGMENT_TURNS_A_SECOND 20000

/* Whether a fragment may go round once more to wait for its first one. */
static __always_inline bool fragment_may_wait(const struct packet *packet)
{
	struct fragment_key key = fragment_key_of(packet);
	struct fragment *waiting = bpf_map_lookup_elem(&fragments, &key);
	struct fragment none = {.turns = 1};

	if (!budget_take(BUDGET_FRAGMENTS, FRAGMENT_TURNS_A_SECOND))
		return false;
	if (!waiting)
		return !bpf_map_update_elem(&fragments, &key, &none, BPF_NOEXIST);
	return waiting->turns++ < FRAGMENT_TURNS;
}

#endif
