/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Session affinity: the backend that a client's last connection to a service got, by whatever
 * address of the service, of a socket or in packets.
 *
 * A row that is there is changed in place, the backend before the time: who reads in between finds
 * the new backend, or a time that has run out. Only the controller removes rows, such as nobody
 * would be given; its memory may be another row's a moment later, so that a reader in that moment
 * can take another client's backend of the same service, but no backend that its traffic may not
 * have.
 */
#ifndef EBPF_PROXY_AFFINITY_H
#define EBPF_PROXY_AFFINITY_H

#include <linux/errno.h>

#include "count.h"
#include "service.h"

/* A client of a service that remembers its clients. */
struct regular {
	struct affinity_key key;
	__u32 seconds; /* for how long after a connection; 0: it does not remember them */
	__u32 set;     /* enum backend_flag that a backend must have; 0: there is none to have */
};

/* For how long a service remembers a client; 0 where it does not. */
static __always_inline __u32 service_affinity_seconds(const struct service *service)
{
	union {
		word_t word;
		struct {
			__u32 flags;
			__u32 seconds;
		};
	} copy;

	if (!service)
		return 0;
	copy.word = READ_ONCE(*(const word_t *)&service->flags);
	return copy.flags & SERVICE_AFFINITY ? copy.seconds : 0;
}

/* A client whose traffic goes through a frontend of a service. */
static __always_inline struct regular regular_of(const struct service *service, __u32 seconds,
						 const struct frontend *frontend,
						 enum origin origin, const struct address *client)
{
	__u8 verdict = service_traffic(service, frontend, origin).verdict;

	return (struct regular){
		.key = {.client = *client, .service = frontend->service},
		.seconds = seconds,
		.set = verdict == VERDICT_CLUSTER ? BACKEND_IN_CLUSTER
		       : verdict == VERDICT_LOCAL ? BACKEND_IN_LOCAL
						  : 0,
	};
}

static __always_inline struct affinity *affinity_at(enum table_generation generation,
						    const struct affinity_key *key)
{
	void *table = table_at(&affinity_slot, generation);

	return table ? bpf_map_lookup_elem(table, key) : NULL;
}

static __always_inline void affinity_set(struct affinity *row, const struct choice *choice)
{
	union {
		word_t word;
		struct affinity_backend backend;
	} copy = {.backend = {.id = choice->id, .generation = choice->generation}};

	*(volatile word_t *)&row->backend = copy.word;
	*(volatile __u64 *)&row->last_connection_ns = bpf_ktime_get_ns();
}

/* Chooses the backend of a row; false where it is too old, or not to be had any more. */
static __always_inline bool affinity_choose(const struct affinity *row,
					    const struct regular *regular, struct choice *choice)
{
	__u64 last = READ_ONCE(row->last_connection_ns);
	__u64 now = bpf_ktime_get_ns();
	union {
		word_t word;
		struct affinity_backend backend;
	} copy;

	if (now > last && now - last > regular->seconds * SECOND)
		return false;
	copy.word = READ_ONCE(*(const word_t *)&row->backend);
	if (!backend_is_still(copy.backend.id, copy.backend.generation, regular->set) ||
	    !backend_choose(copy.backend.id, regular->key.service, choice))
		return false;
	choice->is_local = regular->set == BACKEND_IN_LOCAL;
	return true;
}

/* Adds a row for a choice: 0, or why it was not added. */
static __always_inline int affinity_add(const struct affinity_key *key, const struct choice *choice)
{
	void *table = table_at(&affinity_slot, TABLE_CURRENT);
	/* Before it is added: for a moment of growth both slots hold the same table. */
	bool was_there = affinity_at(TABLE_PREVIOUS, key);
	struct affinity row = {};
	int err; /* before 6.4 the helper leaves the upper half of a long unset */

	if (!table)
		return -ENOENT;
	affinity_set(&row, choice);
	err = bpf_map_update_elem(table, key, &row, BPF_NOEXIST);
	if (!err && !was_there)
		count(REASON_AFFINITY_ADDED);
	else if (err && err != -EEXIST)
		count(REASON_AFFINITY_FULL);
	return err;
}

/* Chooses the backend that the client had last, and remembers that it has it again; false where it
 * had none that it may have. */
static __always_inline bool affinity_recall(const struct regular *regular, struct choice *choice)
{
	struct affinity *row = affinity_at(TABLE_CURRENT, &regular->key);

	if (!row) {
		/* What the table before has of the client moves with it. Where the controller was
		 * faster, the row is a moment older than it could be. */
		row = affinity_at(TABLE_PREVIOUS, &regular->key);
		if (!row || !affinity_choose(row, regular, choice))
			return false;
		/* Where the larger table is full it stays where it is. */
		if (affinity_add(&regular->key, choice))
			affinity_set(row, choice);
		return true;
	}
	if (!affinity_choose(row, regular, choice))
		return false;
	affinity_set(row, choice);
	return true;
}

/* Remembers what the client got. Where another CPU was faster with the same client's first
 * connection, this one gets what that got. */
static __always_inline void affinity_keep(const struct regular *regular, struct choice *choice)
{
	struct affinity *row = affinity_at(TABLE_CURRENT, &regular->key);
	int err;

	if (row) {
		affinity_set(row, choice);
		return;
	}
	err = affinity_add(&regular->key, choice);
	if (err == -EEXIST) {
		affinity_recall(regular, choice);
	} else if (err) {
		/* The client may have a row that found no place in the larger table. */
		row = affinity_at(TABLE_PREVIOUS, &regular->key);
		if (row)
			affinity_set(row, choice);
	}
}

/* Chooses a backend for a client's traffic through a frontend of a service that remembers its
 * clients: the one that the client has, else any. */
static __always_inline enum reason affinity_pick(const struct service *service, __u32 seconds,
						 const struct frontend *frontend,
						 enum origin origin, const struct address *client,
						 struct choice *choice)
{
	struct regular regular = regular_of(service, seconds, frontend, origin, client);
	enum reason reason;

	if (affinity_recall(&regular, choice))
		return REASON_TRANSLATED;
	reason = service_pick(service, frontend, origin, bpf_get_prandom_u32(), choice);
	if (reason == REASON_TRANSLATED)
		affinity_keep(&regular, choice);
	return reason;
}

#endif
