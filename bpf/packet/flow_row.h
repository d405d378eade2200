/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rows of flows: a packet as one hook sees it -> its connection.
 *
 * An array of buckets, each of two cache lines, because most of what a new connection costs is to
 * wait for memory: the kernel's hash tables fetch four lines for a row that is added, and ask the
 * allocator for one of them. A row has 64 bits of its key's digest instead of the key, which its
 * connection has.
 *
 * A row is in the bucket that its digest says, its home, or where that is full in the one that its
 * home has behind the homes, with some others. Rows are written under the lock of their bucket and
 * read without. Places are taken in order, and one whose row was removed is not empty: behind an
 * empty place is no row, and where the last one of a home is empty, none behind the homes. The
 * controller makes places empty again.
 */
#ifndef EBPF_PROXY_FLOW_ROW_H
#define EBPF_PROXY_FLOW_ROW_H

#include <linux/errno.h>

#include "connection_maps.h"
#include "table.h"
#include "tc_config.h"

/* A row, read and written as the one word that it is. */
union flow_word {
	word_t word;
	struct flow flow;
};

#define GENERATION_MASK ((1U << 30) - 1)

/* A place whose row was removed: no connection has generation 0. */
#define ROW_GONE ((word_t)1 << 62)

static __always_inline bool word_is_row(word_t word)
{
	return word & (word_t)GENERATION_MASK << 32;
}

/* Keyed, so that nobody outside can choose flows that are in one bucket: NH of UMAC (RFC 4418),
 * then the finalizer of MurmurHash3, so that all bits tell buckets apart. The controller knows it
 * too (FlowTable). */
static __always_inline __u64 flow_digest(const struct flow_key *key)
{
	typedef __u32 __attribute__((may_alias)) half_t;
	const half_t *word = (const half_t *)key;
	__u64 digest = 0;

#pragma unroll
	for (int i = 0; i < (int)(sizeof(*key) / sizeof(*word)); i += 2)
		digest += (__u64)(word[i] + flow_secret.word[i]) *
			  (word[i + 1] + flow_secret.word[i + 1]);
	digest ^= digest >> 33;
	digest *= 0xff51afd7ed558ccdULL;
	digest ^= digest >> 33;
	digest *= 0xc4ceb9fe1a85ec53ULL;
	return digest ^ digest >> 33;
}

static __always_inline struct connection_lock *lock_of(__u32 id)
{
	__u32 index = id % CONNECTION_LOCKS;

	return bpf_map_lookup_elem(&connection_locks, &index);
}

static __always_inline __u32 home_of(__u64 digest)
{
	return (digest & 0xffffffff) * flow_homes >> 32;
}

/* The bucket behind the homes for rows whose home is full. */
static __always_inline __u32 spill_of(__u32 home)
{
	return flow_homes + home / FLOW_HOMES_A_SPILL;
}

static __always_inline struct flow_bucket *bucket_at(__u32 index)
{
	return bpf_map_lookup_elem(&flows, &index);
}

/* The row of a digest; 0 where there is none, ROW_GONE where there is none here. */
static __always_inline word_t bucket_find(const struct flow_bucket *bucket, __u64 digest)
{
#pragma unroll
	for (int i = 0; i < FLOW_BUCKET_ROWS; i++) {
		word_t word = READ_ONCE(*(const word_t *)&bucket->rows[i].flow);

		if (!word)
			return 0;
		if (READ_ONCE(bucket->rows[i].digest) == digest && word_is_row(word))
			return word;
	}
	return ROW_GONE;
}

/* The row of a digest; no row where there is none. */
__noinline __u64 row_find(__u64 digest)
{
	__u32 home = home_of(digest);
	const struct flow_bucket *bucket = bucket_at(home);
	word_t word = bucket ? bucket_find(bucket, digest) : 0;

	if (word != ROW_GONE)
		return word;
	bucket = bucket_at(spill_of(home));
	return bucket ? bucket_find(bucket, digest) : 0;
}

/* Writes another word in the place of a row of a bucket; 0 where it is not there. */
__noinline int bucket_change(__u32 index, __u64 digest, __u64 before, __u64 after)
{
	struct flow_bucket *bucket = bucket_at(index);
	struct connection_lock *lock = lock_of(index);
	int changed = 0;

	if (!bucket || !lock)
		return 0;
	bpf_spin_lock(&lock->lock);
#pragma unroll
	for (int i = 0; i < FLOW_BUCKET_ROWS; i++) {
		word_t *word = (word_t *)&bucket->rows[i].flow;

		if (!*word)
			break;
		if (*word == before && bucket->rows[i].digest == digest) {
			*(volatile word_t *)word = after;
			changed = 1;
			break;
		}
	}
	bpf_spin_unlock(&lock->lock);
	return changed;
}

/* Adds a row to a bucket; 0, -EEXIST where it has one of that digest, -E2BIG where it is full. */
__noinline int bucket_add(__u32 index, __u64 digest, __u64 word)
{
	struct flow_bucket *bucket = bucket_at(index);
	struct connection_lock *lock = lock_of(index);
	int err = -E2BIG;

	if (!bucket || !lock)
		return -E2BIG;
	bpf_spin_lock(&lock->lock);
#pragma unroll
	for (int i = 0; i < FLOW_BUCKET_ROWS; i++) {
		word_t other = *(const word_t *)&bucket->rows[i].flow;

		if (!other)
			break;
		if (bucket->rows[i].digest == digest && word_is_row(other))
			err = -EEXIST;
	}
	for (int i = 0; i < FLOW_BUCKET_ROWS && err == -E2BIG; i++) {
		if (word_is_row(*(const word_t *)&bucket->rows[i].flow))
			continue;
		*(volatile __u64 *)&bucket->rows[i].digest = digest;
		*(volatile word_t *)&bucket->rows[i].flow = word;
		err = 0;
	}
	bpf_spin_unlock(&lock->lock);
	return err;
}

/* Whether a bucket has a row of a digest, asked under its lock. */
__noinline int bucket_has(__u32 index, __u64 digest)
{
	struct flow_bucket *bucket = bucket_at(index);
	struct connection_lock *lock = lock_of(index);
	word_t word;

	if (!bucket || !lock)
		return 0;
	bpf_spin_lock(&lock->lock);
	word = bucket_find(bucket, digest);
	bpf_spin_unlock(&lock->lock);
	return word_is_row(word);
}

/* Whether rows of a home may be behind the homes. */
static __always_inline bool home_is_spilled(__u32 home)
{
	const struct flow_bucket *bucket = bucket_at(home);

	return bucket && READ_ONCE(*(const word_t *)&bucket->rows[FLOW_BUCKET_ROWS - 1].flow);
}

/* Puts another row in the place of one, or ROW_GONE; false where that was not there (any more). */
static __always_inline bool row_change(__u64 digest, word_t before, word_t after)
{
	__u32 home = home_of(digest);

	return bucket_change(home, digest, before, after) ||
	       (home_is_spilled(home) && bucket_change(spill_of(home), digest, before, after));
}

/* Says that rows of a home are behind the homes, after one was added there; whether it has a row of
 * that digest itself. */
__noinline int home_spill(__u32 home, __u64 digest)
{
	struct flow_bucket *bucket = bucket_at(home);
	struct connection_lock *lock = lock_of(home);
	word_t found;

	if (!bucket || !lock)
		return 0;
	bpf_spin_lock(&lock->lock);
	found = bucket_find(bucket, digest);
	/* No place is empty then. Also over a mark of who looks whether there is one behind, and
	 * may have come too early. */
#pragma unroll
	for (int i = 0; i < FLOW_BUCKET_ROWS; i++) {
		word_t *word = (word_t *)&bucket->rows[i].flow;

		if (!word_is_row(*word))
			*(volatile word_t *)word = ROW_GONE;
	}
	bpf_spin_unlock(&lock->lock);
	return word_is_row(found);
}

/* Adds a row behind the homes, where its home is full; as bucket_add. Another CPU may have added
 * one at home meanwhile, where another row went: one at least sees the other's, because each asks
 * after it has added its own. */
static __always_inline int row_add_behind(__u32 home, __u64 digest, word_t word)
{
	int err = bucket_add(spill_of(home), digest, word);

	if (err || !home_spill(home, digest))
		return err;
	bucket_change(spill_of(home), digest, word, ROW_GONE);
	return -EEXIST;
}

/* Adds a row; 0, -EEXIST where there is one of its digest, -E2BIG where there is no room. */
static __noinline int row_add(__u64 digest, word_t word)
{
	__u32 home = home_of(digest);
	int err = bucket_add(home, digest, word);

	if (err == -E2BIG)
		return row_add_behind(home, digest, word);
	if (err || !home_is_spilled(home) || !bucket_has(spill_of(home), digest))
		return err;
	bucket_change(home, digest, word, ROW_GONE);
	return -EEXIST;
}

static __always_inline bool flow_lookup(const struct flow_key *key, struct flow *flow)
{
	union flow_word row = {.word = row_find(flow_digest(key))};

	if (!word_is_row(row.word))
		return false;
	*flow = row.flow;
	return true;
}

#endif
