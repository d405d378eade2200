/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of the packet path alone. The sizes here are small; user space sets its own before load.
 */
#ifndef EBPF_PROXY_CONNECTION_MAPS_H
#define EBPF_PROXY_CONNECTION_MAPS_H

#include "connection_abi.h"
#include "maps.h"

/* ifindex -> what a packet that comes or goes there needs to know. The controller writes; the
 * packet path reads for first packets. One entry for each device that has our programs. */
struct devices_table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct device);
	__uint(max_entries, SMALL_TABLE);
} devices SEC(".maps");

SLOT_OF(devices);

/* number -> a prefix that only services have addresses of. The controller writes; the packet path
 * reads for packets to addresses that are in no table, which most packets are. Without a pin: the
 * programs keep theirs, and the next ones get another. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct service_prefix);
	__uint(max_entries, MAX_SERVICE_PREFIXES);
} service_prefixes SEC(".maps");

/* Hash of an address / 64 -> bits, by the rest: whether the tables or a connection may have it. The
 * controller writes; the packet path reads for each packet. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, ADDRESS_HINTS / 64);
} address_hints SEC(".maps");

/* number -> ifindex of a tunnel whose routes say where it ends. The controller writes; the packet
 * path reads for what the node sends past the hooks by such a route. Without a pin, as those. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, MAX_TUNNELS);
} tunnels SEC(".maps");

/* id -> a flow that the packet path translates. The packet path writes and reads; the controller
 * ends what is too old. As many as the node's memory allows, from the start. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct connection);
	__uint(max_entries, SMALL_TABLE);
} connections SEC(".maps");

/* Number -> rows: a packet as one hook sees it -> its connection (packet/flow_row.h). The packet
 * path writes and reads; the controller removes what names an ended connection. Four rows for each
 * connection at most. Mappable, because only then the kernel aligns buckets. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct flow_bucket);
	__uint(max_entries, SMALL_TABLE + SMALL_TABLE / FLOW_HOMES_A_SPILL);
} flows SEC(".maps");

/* Ids of connections that are free. The controller puts in what nobody can still be reading; the
 * packet path takes out. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__type(value, __u32);
	__uint(max_entries, SMALL_TABLE);
} free_connections SEC(".maps");

/* Connections in the order of opening, each once: where no id is free, the oldest that was not
 * answered makes room. The packet path writes and reads. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__type(value, struct flow);
	__uint(max_entries, SMALL_TABLE);
} unanswered SEC(".maps");

/* Connections that are closing, in the order in which that was seen: where no id is free, the
 * oldest makes room before any other does. The packet path and the controller write and read. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__type(value, struct flow);
	__uint(max_entries, SMALL_TABLE);
} closing SEC(".maps");

/* A packet as it comes in -> that the kernel's connection tracking translates it. The controller
 * writes it where programs cannot ask (before 5.18), and makes it large enough only there; the
 * packet path reads it for packets that belong to no connection. Without a pin, like the service
 * prefixes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct flow_key);
	__type(value, struct tracked);
	__uint(max_entries, 1);
} tracked SEC(".maps");

/* The first fragment of a datagram -> its ports. The packet path writes and reads. Evicts the
 * oldest: a datagram whose fragments are longer under way than that is lost. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct fragment_key);
	__type(value, struct fragment);
	__uint(max_entries, 4 * SMALL_TABLE);
} fragments SEC(".maps");

/* Words that programs and controller tell each other; see struct path_state. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct path_state);
	__uint(max_entries, 1);
} path_states SEC(".maps");

/* Locks of connections and of buckets of flows, by the last bits of their numbers: what is written
 * to a record is written by one CPU, and only if the record is still of the generation that it
 * means. The packet path takes them, one at a time, for a test and a few stores each. */
struct connection_lock {
	struct bpf_spin_lock lock;
};

#define CONNECTION_LOCKS 256

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct connection_lock);
	__uint(max_entries, CONNECTION_LOCKS);
} connection_locks SEC(".maps");

/* Datagram, number -> a frame that overtook the first fragment. The packet path writes and reads.
 * Evicts the oldest: its datagram is lost. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct held_key);
	__type(value, struct held);
	__uint(max_entries, 256);
} held_fragments SEC(".maps");

/* What may still be answered with an ICMP error or RST on this CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct budget);
	__uint(max_entries, 1);
} refusal_budget SEC(".maps");

#endif
