/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that the controller runs for what it cannot do itself, or not so fast; never on traffic.
 */
#ifndef EBPF_PROXY_CONTROLLER_H
#define EBPF_PROXY_CONTROLLER_H

#include "flow_row.h"

/* How many ids free_all makes free in a run; the controller knows it too. */
#define IDS_FREED_AT_ONCE 256

/* The first id that free_all has not made free. */
static __u32 next_id;

/* Whether rows of a home are behind the homes. */
__noinline int spill_serves(__u32 home)
{
	__u32 index = spill_of(home);
	struct flow_bucket *bucket = bucket_at(index);
	struct connection_lock *lock = lock_of(index);
	int serves = 0;

	if (!bucket || !lock)
		return 1;
	bpf_spin_lock(&lock->lock);
#pragma unroll
	for (int i = 0; i < FLOW_BUCKET_ROWS; i++) {
		if (word_is_row(*(const word_t *)&bucket->rows[i].flow) &&
		    home_of(bucket->rows[i].digest) == home)
			serves = 1;
	}
	bpf_spin_unlock(&lock->lock);
	return serves;
}

/* Puts a word without a row in the place of another one at the end of a home; where it is empty
 * then, so become the places before it that have no row. False where it was not there. */
__noinline int home_end(__u32 home, __u64 before, __u64 after)
{
	struct flow_bucket *bucket = bucket_at(home);
	struct connection_lock *lock = lock_of(home);
	int changed = 0;

	if (!bucket || !lock)
		return 0;
	bpf_spin_lock(&lock->lock);
	if (*(const word_t *)&bucket->rows[FLOW_BUCKET_ROWS - 1].flow == before) {
		*(volatile word_t *)&bucket->rows[FLOW_BUCKET_ROWS - 1].flow = after;
		changed = 1;
#pragma unroll
		for (int i = FLOW_BUCKET_ROWS - 2; i >= 0 && !after; i--) {
			if (word_is_row(*(const word_t *)&bucket->rows[i].flow))
				break;
			*(volatile word_t *)&bucket->rows[i].flow = 0;
		}
	}
	bpf_spin_unlock(&lock->lock);
	return changed;
}

/* Makes the last places of a home empty that have no row any more, or it would be taken for full
 * once and for all: the very last one only where none of its rows is behind the homes. That is
 * looked for after the place was marked: who adds one there since then has written over the mark,
 * or will (home_spill). */
static __always_inline void home_recover(__u32 home)
{
	const struct flow_bucket *bucket = bucket_at(home);
	word_t mark = ROW_GONE | bpf_get_prandom_u32() | 1;
	word_t last;

	if (!bucket)
		return;
	last = READ_ONCE(*(const word_t *)&bucket->rows[FLOW_BUCKET_ROWS - 1].flow);
	if (!last)
		home_end(home, 0, 0);
	else if (!word_is_row(last) && home_end(home, last, mark) && !spill_serves(home))
		home_end(home, mark, 0);
}

/* Makes free all ids that there are, some each time that it is run: the controller runs it before
 * there are packets, which is much faster than to push each id by a system call. */
SEC("tc")
int free_all(struct __sk_buff *skb)
{
	(void)skb;
	for (int i = 0; i < IDS_FREED_AT_ONCE; i++) {
		__u32 id = next_id;

		if (bpf_map_push_elem(&free_connections, &id, BPF_ANY))
			return 0;
		next_id = id + 1;
	}
	return 1;
}

/* Makes one change of a row; 1 where it did. */
static __noinline int change_row(const struct flow_change *change)
{
	int made;

	if (!change->before)
		return !row_add(change->digest, change->after);
	made = row_change(change->digest, change->before, change->after);
	if (!word_is_row(change->after))
		home_recover(home_of(change->digest));
	return made;
}

/* Changes rows as the controller wants it, under the locks that only programs can take: the packet
 * is a struct flow_change after another, behind what is taken for its headers. How many of them it
 * made. */
SEC("tc")
int change_rows(struct __sk_buff *skb)
{
	struct flow_change change;
	int made = 0;

	for (int i = 0; i < FLOW_CHANGES_AT_ONCE; i++) {
		if (bpf_skb_load_bytes(skb, FLOW_CHANGES_AT + i * sizeof(change), &change,
				       sizeof(change)))
			break;
		made += change_row(&change);
	}
	return made;
}

#endif
