/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What each service did. Counted where a connection begins, ends or is refused, never by packet.
 * Adds are atomic: one service may be asked on all CPUs at once.
 */
#ifndef EBPF_PROXY_TALLY_H
#define EBPF_PROXY_TALLY_H

#include "table.h"

/* NULL where there is no such id. */
static __always_inline struct tally *tally_of(__u32 service)
{
	return table_lookup(&tallies_slot, &service);
}

/* Counts a connection that got a backend. */
static __always_inline void tally_open(__u32 service)
{
	struct tally *tally = tally_of(service);

	if (tally)
		__sync_fetch_and_add(&tally->opened, 1);
}

/* Counts one that is over. */
static __always_inline void tally_close(__u32 service)
{
	struct tally *tally = tally_of(service);

	if (tally)
		__sync_fetch_and_add(&tally->closed, 1);
}

/* Counts what one carried that is over. */
static __always_inline void tally_bytes(__u32 service, __u64 sent, __u64 received)
{
	struct tally *tally = tally_of(service);

	if (!tally)
		return;
	__sync_fetch_and_add(&tally->bytes_sent, sent);
	__sync_fetch_and_add(&tally->bytes_received, received);
}

/* Counts one that got a backend and leaves no record by which its end could be told. */
static __always_inline void tally_pass(__u32 service)
{
	tally_open(service);
	tally_close(service);
}

/* Whether a reason is of what asked a frontend that a service has. */
static __always_inline bool reason_is_of_service(enum reason reason)
{
	switch (reason) {
	case REASON_CONNECTION_OPENED:
	case REASON_NO_ENDPOINT:
	case REASON_NO_LOCAL_ENDPOINT:
	case REASON_SOURCE_DENIED:
	case REASON_CONNECTIONS_FULL:
	case REASON_NO_SOURCE_PORT:
	case REASON_NO_SOURCE_ADDRESS:
	case REASON_STALE_SET:
		return true;
	default:
		return false;
	}
}

/* Counts a refusal of what asked a frontend of a service; other reasons are no service's. */
static __always_inline void tally_refuse(__u32 service, enum reason reason)
{
	struct tally *tally = tally_of(service);

	if (!tally)
		return;
	switch (reason) {
	case REASON_NO_ENDPOINT:
		__sync_fetch_and_add(&tally->no_endpoint, 1);
		break;
	case REASON_NO_LOCAL_ENDPOINT:
		__sync_fetch_and_add(&tally->no_local_endpoint, 1);
		break;
	case REASON_SOURCE_DENIED:
		__sync_fetch_and_add(&tally->source_denied, 1);
		break;
	case REASON_CONNECTIONS_FULL:
	case REASON_NO_SOURCE_PORT:
	case REASON_NO_SOURCE_ADDRESS:
		__sync_fetch_and_add(&tally->no_room, 1);
		break;
	default:
		break;
	}
}

#endif
