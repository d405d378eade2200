/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef EBPF_PROXY_BACKEND_H
#define EBPF_PROXY_BACKEND_H

#include "table.h"

/* The backend that one connection or datagram gets, as it was when it was chosen. */
struct choice {
	struct address address;
	__be16 port;
	__u32 service;
	__u32 id;
	__u32 generation;
	bool is_on_node;
	bool is_local; /* chosen of the local set */
	bool is_known; /* the socket has it already, from an earlier datagram */
};

/* NULL where there is no such id. */
static __always_inline const struct backend *backend_lookup(__u32 id)
{
	return table_lookup(&backends_slot, &id);
}

static __always_inline struct backend_state backend_state(const struct backend *backend)
{
	union {
		word_t word;
		struct backend_state state;
	} copy = {.word = READ_ONCE(*(const word_t *)&backend->state)};

	return copy.state;
}

/* Whether the backend that a record names is still the same one and has a flag. */
static __always_inline bool backend_is_still(__u32 id, __u32 generation, enum backend_flag flag)
{
	const struct backend *backend = backend_lookup(id);
	struct backend_state state;

	if (!backend)
		return false;
	state = backend_state(backend);
	return state.generation == generation && state.flags & flag;
}

/* Whether it may go on being used. */
static __always_inline bool backend_serves(__u32 id, __u32 generation)
{
	return backend_is_still(id, generation, BACKEND_SERVING);
}

/* Chooses a backend; false where the id is free or another service's. */
static __always_inline bool backend_choose(__u32 id, __u32 service, struct choice *choice)
{
	const struct backend *backend = backend_lookup(id);
	struct backend_state state;

	if (!backend)
		return false;
	state = backend_state(backend);
	if (!state.flags || backend->service != service)
		return false;
	choice->address = backend->address;
	choice->port = backend->port;
	choice->service = service;
	choice->id = id;
	choice->generation = state.generation;
	choice->is_on_node = state.flags & BACKEND_ON_NODE;
	return true;
}

#endif
