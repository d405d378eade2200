/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef EBPF_PROXY_TABLE_H
#define EBPF_PROXY_TABLE_H

#include "maps.h"

#define SECOND 1000000000ULL /* in nanoseconds */

/* One load, whatever the compiler thinks: another CPU may write the word in between. */
#define READ_ONCE(word) (*(const volatile typeof(word) *)&(word))

/* Eight bytes that are written at once and read at once. */
typedef __u64 __attribute__((may_alias)) word_t;

/* Keeps the compiler from reading a map again instead of the copy that was taken of it. */
#define COMPILER_BARRIER() asm volatile("" ::: "memory")

/* The slots of a table that programs write, and that may grow while they do. */
enum table_generation {
	TABLE_CURRENT = 0,
	TABLE_PREVIOUS = 1,
};

/* The table that stands in a slot; NULL where the slot is empty. */
static __always_inline void *table_at(void *slots, __u32 index)
{
	return bpf_map_lookup_elem(slots, &index);
}

/* The entry of a key in the table of a slot; NULL on a miss. */
static __always_inline void *table_lookup(void *slots, const void *key)
{
	void *table = table_at(slots, 0);

	return table ? bpf_map_lookup_elem(table, key) : NULL;
}

#endif
