/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a socket asked and what it got. The records of a socket stand in slots without a gap from 0
 * on: the first miss ends a walk.
 *
 * Walks whose result another walk depends on are global functions of numbers only: the verifier
 * goes through each of them once, not once for every way that its callers can come to it.
 */
#ifndef EBPF_PROXY_PEER_H
#define EBPF_PROXY_PEER_H

#include <linux/errno.h>

#include "address.h"
#include "backend.h"
#include "count.h"
#include "tally.h"

/* The kernel uses the memory of a record that was replaced or removed again at once, while a
 * reader may still be in it. The stamp proves that a copy is whole and of this key. */
static __always_inline __u64 peer_stamp(const struct peer_key *key, const struct peer *peer)
{
	const word_t *words = (const word_t *)peer;
	__u64 stamp = key->socket ^ key->slot;

#pragma unroll
	for (unsigned int i = 1; i < sizeof(*peer) / sizeof(*words); i++) {
		stamp = (stamp ^ words[i]) * 0x9e3779b97f4a7c15;
		stamp ^= stamp >> 32;
	}
	return stamp;
}

static __always_inline bool peer_copy(void *table, const struct peer_key *key, struct peer *peer)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		const struct peer *entry = bpf_map_lookup_elem(table, key);

		if (!entry)
			return false;
		*peer = *entry;
		COMPILER_BARRIER();
		if (peer->stamp == peer_stamp(key, peer))
			return true;
	}
	return false;
}

/* Copies a record; false on a miss. */
static __always_inline bool peer_read(const struct peer_key *key, struct peer *peer)
{
	void *table = table_at(&peers_slot, TABLE_CURRENT);

	if (table && peer_copy(table, key, peer))
		return true;
	table = table_at(&peers_slot, TABLE_PREVIOUS);
	return table && peer_copy(table, key, peer);
}

/* The same for one slot after the other. The number is passed beside the key, because kernels
 * before 6.18 do not follow it in half a word of the stack and see a loop without an end. */
static __always_inline bool peer_at(struct peer_key *key, __u32 slot, struct peer *peer)
{
	key->slot = slot;
	return peer_read(key, peer);
}

/* False where there was none. It looks before it deletes, because deleting takes a lock, and most
 * sockets that are closed have no record. What was open by it may go on by another record. */
static __always_inline bool peer_remove_from(__u32 generation, const struct peer_key *key,
					     bool ends)
{
	void *table = table_at(&peers_slot, generation);
	const struct peer *entry = table ? bpf_map_lookup_elem(table, key) : NULL;
	__u32 service;

	if (!entry)
		return false;
	service = entry->service;
	if (bpf_map_delete_elem(table, key))
		return false;
	count(REASON_PEER_REMOVED);
	if (ends)
		tally_close(service);
	return true;
}

/* Removes a record; false where there was none. Previous first: who moves records from there to the
 * current table either finds it gone or moves it to where it is removed next. */
static __always_inline bool peer_remove(const struct peer_key *key)
{
	bool was_in_previous = peer_remove_from(TABLE_PREVIOUS, key, true);

	/* While it is moved it is in both, and ends once. */
	return peer_remove_from(TABLE_CURRENT, key, !was_in_previous) || was_in_previous;
}

/* Puts a record into the current table, in place of an older one of this key. If a connection
 * begins with it, that of the older one is over. */
static __always_inline void peer_write(const struct peer_key *key, struct peer *peer, bool begins)
{
	void *table = table_at(&peers_slot, TABLE_CURRENT);
	const struct peer *before;
	int err; /* before 6.4 the helper leaves the upper half of a long unset */

	if (!table)
		return;
	if (begins)
		tally_open(peer->service);
	peer->stamp = peer_stamp(key, peer);
	err = bpf_map_update_elem(table, key, peer, BPF_NOEXIST);
	if (!err) {
		count(REASON_PEER_ADDED);
		/* What the table before had of this key is older. For a moment of its growth both
		 * slots hold the same table; and a record that is there already was moved or
		 * written since. */
		if (table_at(&peers_slot, TABLE_PREVIOUS) != table)
			peer_remove_from(TABLE_PREVIOUS, key, begins);
	} else if (err == -EEXIST) {
		before = begins ? bpf_map_lookup_elem(table, key) : NULL;
		if (before)
			tally_close(before->service);
		err = bpf_map_update_elem(table, key, peer, BPF_EXIST);
	}
	if (err) {
		count(REASON_PEERS_FULL);
		if (begins)
			tally_close(peer->service);
	}
}

static __always_inline bool peer_has_flag(__u32 generation, const struct peer_key *key,
					  enum peer_flag flag)
{
	void *table = table_at(&peers_slot, generation);
	const struct peer *entry = table ? bpf_map_lookup_elem(table, key) : NULL;

	return entry && entry->flags & flag;
}

/* Whether a socket's record stays until its connection is closed. */
static __always_inline bool peer_is_until_closed(const struct peer_key *key)
{
	return peer_has_flag(TABLE_CURRENT, key, PEER_UNTIL_CLOSED) ||
	       peer_has_flag(TABLE_PREVIOUS, key, PEER_UNTIL_CLOSED);
}

/* Removes the record of a connection that is over, and counts what it carried. */
static __always_inline void peer_end(const struct peer_key *key, __u64 bytes_sent,
				     __u64 bytes_received)
{
	struct peer peer;

	if (peer_read(key, &peer) && peer_remove(key))
		tally_bytes(peer.service, bytes_sent, bytes_received);
}

/* Removes a socket's records from a slot on; the first slot that had none. */
__noinline int peers_remove(__u64 socket, __u32 from)
{
	struct peer_key key = {.socket = socket};
	__u32 slot;

	for (slot = from; slot < PEERS_PER_SOCKET; slot++) {
		key.slot = slot;
		if (!peer_remove(&key))
			break;
	}
	return slot;
}

static __always_inline bool peer_asked(const struct peer *peer, const struct address *frontend,
				       __be16 port)
{
	return peer->frontend_port == port && address_equal(&peer->frontend, frontend);
}

/* Whether replies from a backend show this record's frontend. */
static __always_inline bool peer_names(const struct peer *peer, const struct address *backend,
				       __be16 port)
{
	return peer->backend_port == port && !(peer->flags & PEER_FORGOTTEN) &&
	       address_equal(&peer->backend, backend);
}

/* Finds the record of a frontend; false on a miss. */
static __always_inline bool peers_find_frontend(__u64 socket, const struct address *frontend,
						__be16 port, struct peer *peer)
{
	struct peer_key key = {.socket = socket};

	for (__u32 slot = 0; slot < PEERS_PER_SOCKET && peer_at(&key, slot, peer); slot++) {
		if (peer_asked(peer, frontend, port))
			return true;
	}
	return false;
}

/* Finds the record by which a backend is known to the socket; false on a miss. */
static __always_inline bool peers_find_backend(__u64 socket, const struct address *backend,
					       __be16 port, struct peer *peer)
{
	struct peer_key key = {.socket = socket};

	for (__u32 slot = 0; slot < PEERS_PER_SOCKET && peer_at(&key, slot, peer); slot++) {
		if (peer_names(peer, backend, port))
			return true;
	}
	return false;
}

/* The slot of a frontend's record; on a miss the next free one, PEERS_PER_SOCKET where there is
 * none. */
__noinline int peers_place(__u64 socket, __u64 frontend_first, __u64 frontend_second, __u32 port)
{
	struct address frontend = address_from_halves(frontend_first, frontend_second);
	struct peer_key key = {.socket = socket};
	struct peer peer;
	__u32 slot;

	for (slot = 0; slot < PEERS_PER_SOCKET && peer_at(&key, slot, &peer); slot++) {
		if (peer_asked(&peer, &frontend, port))
			break;
	}
	return slot;
}

/* Whether a backend is known to the socket by a record in another slot than this one. */
__noinline int peers_share(__u64 socket, __u32 own, __u64 backend_first, __u64 backend_second,
			   __u32 port)
{
	struct address backend = address_from_halves(backend_first, backend_second);
	struct peer_key key = {.socket = socket};
	struct peer peer;

	for (__u32 slot = 0; slot < PEERS_PER_SOCKET && peer_at(&key, slot, &peer); slot++) {
		if (slot != own && peer_names(&peer, &backend, port))
			return true;
	}
	return false;
}

/* Makes a socket forget, in all slots but this one, by what frontend it knows a backend; whether it
 * knew. */
__noinline int peers_forget(__u64 socket, __u32 own, __u64 backend_first, __u64 backend_second,
			    __u32 port)
{
	struct address backend = address_from_halves(backend_first, backend_second);
	struct peer_key key = {.socket = socket};
	int was_known = false;
	struct peer peer;

	for (__u32 slot = 0; slot < PEERS_PER_SOCKET && peer_at(&key, slot, &peer); slot++) {
		if (slot == own || !peer_names(&peer, &backend, port))
			continue;
		peer.flags |= PEER_FORGOTTEN;
		peer_write(&key, &peer, false);
		was_known = true;
	}
	return was_known;
}

#endif
