/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables of services and sockets; those of connections are in connection_maps.h. A table is
 * reached through its <name>_slot only, so that user space can put a larger one in its place: it
 * fills the larger one, then swaps the slot. The sizes here are those of a small cluster; user
 * space sets its own before load.
 *
 * Arrays are BPF_F_INNER_MAP, without which all tables in a slot would have one size, and
 * BPF_F_MMAPABLE where user space writes single words of them.
 */
#ifndef EBPF_PROXY_MAPS_H
#define EBPF_PROXY_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

#define SMALL_TABLE 1024

/* The slot that programs read a table through; the controller puts the table there. */
#define SLOT_OF(table)                                                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);                                          \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__array(values, struct table##_table);                                             \
	} table##_slot SEC(".maps")

/* address -> what it is. The controller writes; every hook reads first, and most stop here.
 * One entry for each service, external, node and backend address. */
struct addresses_table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct address);
	__type(value, struct address_info);
	__uint(max_entries, SMALL_TABLE);
} addresses SEC(".maps");

SLOT_OF(addresses);

/* address, port, protocol -> service. The controller writes; hooks read for addresses of services.
 * Grown before it fills. */
struct frontends_table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct frontend_key);
	__type(value, struct frontend);
	__uint(max_entries, SMALL_TABLE);
} frontends SEC(".maps");

SLOT_OF(frontends);

/* service id -> what each class of traffic gets. The controller writes, one word at a time; hooks
 * read once per connection. Grown before ids run out. */
struct services_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__type(key, __u32);
	__type(value, struct service);
	__uint(max_entries, SMALL_TABLE);
} services SEC(".maps");

SLOT_OF(services);

/* place -> backend id. The controller writes places that no service names; hooks read those that
 * one does. Grown before it fills. */
struct sets_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, SMALL_TABLE);
} sets SEC(".maps");

SLOT_OF(sets);

/* backend id -> where it is, whether it serves. The controller writes, an address only while the
 * id is free; hooks read. Grown before ids run out. */
struct backends_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__type(key, __u32);
	__type(value, struct backend);
	__uint(max_entries, SMALL_TABLE);
} backends SEC(".maps");

SLOT_OF(backends);

/* service id -> its name in Kubernetes. The controller writes and, at its next start, reads; no
 * hook does. As many entries as services. */
struct names_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__type(key, __u32);
	__type(value, struct service_name);
	__uint(max_entries, SMALL_TABLE);
} names SEC(".maps");

SLOT_OF(names);

/* service id -> what it did. Hooks and the packet path add where a connection begins, ends or is
 * refused, the controller where it ends one; whoever looks at the node reads. As many entries as
 * services. */
struct tallies_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	__type(key, __u32);
	__type(value, struct tally);
	__uint(max_entries, SMALL_TABLE);
} tallies SEC(".maps");

SLOT_OF(tallies);

/* socket, slot -> what it asked and what it got. The socket hooks write and read; the controller
 * reads. An entry goes with its socket; the kernel's own (NFS, MPTCP before 5.19) are closed
 * without a hook, and theirs stay. Grown when half full. When it is full, connections are
 * translated all the same, but their peer's name is not shown (REASON_PEERS_FULL).
 */
struct peers_table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct peer_key);
	__type(value, struct peer);
	__uint(max_entries, SMALL_TABLE);
} peers SEC(".maps");

/* Two tables, because hooks write while user space puts a larger one in place: [0] takes what is
 * new, [1] is the one before while it still holds something, and empty otherwise. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct peers_table);
} peers_slot SEC(".maps");

/* network namespace -> the client's addresses. The controller writes; the socket hooks read for
 * services with session affinity. One entry for each namespace on the node whose sockets can have
 * one address of a family only. */
struct clients_table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u64);
	__type(value, struct client);
	__uint(max_entries, SMALL_TABLE);
} clients SEC(".maps");

SLOT_OF(clients);

/* client, service -> backend of the client's last connection. Hooks and the packet path add rows
 * and change them in place; the controller removes what is too old or leads to nobody. Grown when
 * half full, up to a limit. When it is full, connections are translated all the same, and their
 * clients may get another backend next time (REASON_AFFINITY_FULL). */
struct affinity_table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct affinity_key);
	__type(value, struct affinity);
	__uint(max_entries, SMALL_TABLE);
} affinity SEC(".maps");

/* Two tables, for the same reason and with the same meaning as those of the peers. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct affinity_table);
} affinity_slot SEC(".maps");

/* service, prefix -> its sources may use the load-balancer addresses. The controller writes; hooks
 * read for frontends that are flagged so. Grown before it fills. */
struct ranges_table {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct source_range_key);
	__type(value, struct source_range);
	__uint(max_entries, SMALL_TABLE);
} ranges SEC(".maps");

SLOT_OF(ranges);

/* reason -> how often, by CPU. Hooks write, and lose no update; the controller reads. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, REASON_COUNT);
} counters SEC(".maps");

#endif
