/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the C programs and the C# controller share: keys and values of the maps, reasons, limits.
 * This file, with connection_abi.h for the packet path and trace_abi.h for who looks on, is the
 * only definition; the C# mirrors (src/EbpfProxy.Datapath/Abi) are compared with the BTF of the
 * built objects by a test.
 *
 * Addresses and ports are in network byte order; everything else is in host order. An IPv4
 * address is stored v4-mapped (::ffff:a.b.c.d), so one key serves both families.
 */
#ifndef EBPF_PROXY_ABI_H
#define EBPF_PROXY_ABI_H

#include <linux/types.h>

#pragma clang diagnostic push
#pragma clang diagnostic error "-Wpadded"

/* The pins of the tables that the controller writes stand in a folder of this version. */
#ifndef TABLES_VERSION
#define TABLES_VERSION 1
#endif
/* The same for what live sockets and flows left behind, which outlives a change of the tables. */
#define SOCKETS_VERSION 1
/* The same for the connections that the packet path translates. */
#define CONNECTIONS_VERSION 2

/* How many services one unconnected UDP socket can talk to and still see each answer come from
 * the service that it asked. One more takes the place of one of these, and is counted. */
#define PEERS_PER_SOCKET 16

struct address {
	__be32 word[4];
};

/* --- addresses: address -> what it is. A miss ends the lookup. --- */

enum address_role {
	ADDRESS_CLUSTER_IP = 1 << 0, /* a port that no service has is refused */
	ADDRESS_EXTERNAL = 1 << 1,   /* an external IP or load-balancer address */
	ADDRESS_NODE = 1 << 2,	     /* an address of this node that accepts node ports */
	ADDRESS_BACKEND = 1 << 3, /* an endpoint's own address: a socket may turn to it directly */
	ADDRESS_ON_DEVICE = 1 << 4, /* a device of the node holds it: no cluster IP while it does */
};

struct address_info {
	__u32 roles; /* enum address_role */
	__u32 reserved;
};

/* --- frontends: address, port, protocol -> service; a node port has the address 0.0.0.0 or :: ---
 */

enum frontend_kind {
	FRONTEND_CLUSTER_IP = 1,
	FRONTEND_EXTERNAL_IP = 2,
	FRONTEND_LOAD_BALANCER = 3,
	FRONTEND_NODE_PORT = 4,
};

enum frontend_flag {
	FRONTEND_SOURCE_RANGES = 1 << 0, /* only sources in the service's ranges may use it */
};

struct frontend_key {
	struct address address;
	__be16 port;
	__u8 protocol; /* IPPROTO_* */
	__u8 reserved;
};

struct frontend {
	__u32 service;
	__u8 kind;  /* enum frontend_kind */
	__u8 flags; /* enum frontend_flag */
	__u16 reserved;
};

/* --- services: service id -> what each class of traffic gets --- */

enum verdict {
	VERDICT_NONE = 0,    /* no such service */
	VERDICT_CLUSTER = 1, /* one of the cluster set */
	VERDICT_LOCAL = 2,   /* one of the local set */
	VERDICT_REFUSE = 3,
	VERDICT_DROP = 4,
};

/* What one class of traffic gets: which set, where it begins in the table of sets, how many
 * backends it has. One aligned 8-byte word, read and written at once: a reader can never see
 * the begin of one set with the count of another. */
struct traffic {
	__u32 set;
	__u32 count : 24;
	__u32 verdict : 8; /* enum verdict */
};

enum service_flag {
	SERVICE_AFFINITY = 1 << 0, /* session affinity by client address */
};

struct service {
	struct traffic internal;      /* to the cluster IP */
	struct traffic external;      /* to a node port or external address, from outside */
	struct traffic external_near; /* the same from a pod of this node or the node itself */
	__u32 flags;		      /* enum service_flag */
	__u32 affinity_seconds;
};

/* --- sets: place -> backend id. A set is never edited in place: a new one is written at a new
 * place, the service's word is flipped, the old place is used again after an RCU grace period. */

/* --- backends: backend id -> where it is --- */

enum backend_flag {
	BACKEND_SERVING = 1 << 0,    /* a UDP flow or socket that uses it may go on */
	BACKEND_IN_CLUSTER = 1 << 1, /* in the service's cluster set */
	BACKEND_IN_LOCAL = 1 << 2,   /* in the service's local set */
	BACKEND_ON_NODE = 1 << 3,    /* on this node */
};

/* One aligned 8-byte word. An id that is used again gets the next generation, so that a record
 * which names (id, generation) can tell. */
struct backend_state {
	__u32 generation;
	__u32 flags; /* enum backend_flag; 0: the id is free */
};

struct backend {
	struct address address;
	__be16 port;
	__u8 protocol;
	__u8 reserved;
	__u32 service;
	struct backend_state state;
};

/* --- names: service id -> its name in Kubernetes, for people and for the next start --- */

struct service_name {
	char namespace_name[64];
	char service[64];
	char port[64];
	__u8 protocol;
	__u8 family; /* 4 or 6 */
	__u8 reserved[6];
};

/* --- tallies: service id -> what it did, for who looks at it. An id is given to another service
 * only when all that was opened is closed. --- */

struct tally {
	__u64 opened; /* connections that got a backend, by sockets and in packets */
	__u64 closed; /* those of them that are over */
	/* What those that are over sent to backends and got from them: of TCP sockets the bytes
	 * that TCP acknowledged and received, of what is translated in packets those from the IP
	 * header on. UDP sockets are not looked at. */
	__u64 bytes_sent;
	__u64 bytes_received;
	__u64 no_endpoint; /* refused, by reason */
	__u64 no_local_endpoint;
	__u64 source_denied;
	__u64 no_room; /* no place in the table of connections, no address or port to mask with */
};

/* --- peers: socket, slot -> what a socket asked and what it got. Slot 0 of a connected socket is
 * its connection; slots without a gap from 0 on are in use. Cleared when the socket is closed, that
 * of a TCP connection when the kernel is done with it. */

struct peer_key {
	__u64 socket; /* cookie */
	__u32 slot;
	__u32 reserved;
};

enum peer_flag {
	PEER_CONNECTED = 1 << 0,
	PEER_FORGOTTEN = 1 << 1, /* the backend itself or another frontend of it was asked since */
	/* The record of a connection that goes on when its socket is closed goes at its end. */
	PEER_UNTIL_CLOSED = 1 << 2,
};

struct peer {
	__u64 stamp; /* mixed from the key and all other words: parts of two records do not match */
	struct address frontend;
	struct address backend;
	__be16 frontend_port;
	__be16 backend_port;
	__u8 protocol;
	__u8 flags; /* enum peer_flag */
	__u16 reserved;
	__u32 service;
	__u32 backend_id;
	__u32 backend_generation;
	__u32 reserved2;
	__u64 network_namespace; /* cookie */
};

/* --- clients: network namespace cookie -> the client's addresses --- */

enum client_flag {
	CLIENT_NODE = 1 << 0,		       /* the node's own namespace */
	CLIENT_NO_SOCKET_TRANSLATION = 1 << 1, /* left to the packet path */
};

struct client {
	struct address ipv4;
	struct address ipv6;
	__u32 flags; /* enum client_flag */
	__u32 reserved;
};

/* --- affinity: client, service -> backend. Its parts are words, each read and written at once. ---
 */

struct affinity_key {
	struct address client;
	__u32 service;
	__u32 reserved;
};

struct affinity_backend {
	__u32 id;
	__u32 generation;
};

struct affinity {
	struct affinity_backend backend;
	__u64 last_connection_ns; /* CLOCK_MONOTONIC */
};

/* --- source ranges: service, prefix -> allowed (LPM) --- */

struct source_range_key {
	__u32 prefix_length; /* 32 bits of service id, then the prefix, v4-mapped */
	__be32 service;
	struct address prefix;
};

struct source_range {
	__u32 allowed;
};

/* --- counters: per CPU, by reason. Numbers are never used again for another meaning. --- */

enum reason {
	REASON_NONE = 0,
	REASON_TRANSLATED = 1,	      /* connections and datagrams given a backend at the socket */
	REASON_NO_ENDPOINT = 2,	      /* refused: the service has no endpoint that could answer */
	REASON_UNKNOWN_PORT = 3,      /* refused: no service has this port on this cluster IP */
	REASON_NO_LOCAL_ENDPOINT = 4, /* dropped: policy Local and no endpoint on this node */
	REASON_PEERS_FULL = 5,	      /* table of socket peers full: the peer's name is not shown */
	REASON_PEER_OVERFLOW = 6, /* a UDP socket talks to more services than can be told apart */
	REASON_PEER_SHARED =
		7, /* two services of one UDP socket share a backend: the last name wins */
	REASON_STALE_SET = 8,		/* a set changed twice while it was read: refused */
	REASON_PEER_ADDED = 9,		/* records put into the table of socket peers */
	REASON_PEER_REMOVED = 10,	/* records taken out of it */
	REASON_CONNECTION_OPENED = 11,	/* flows given a backend by the packet path */
	REASON_CONNECTIONS_FULL = 12,	/* dropped: only answered flows are left in the table */
	REASON_CONNECTION_EVICTED = 13, /* an unanswered flow made room for a new one */
	REASON_SOURCE_DENIED = 14,  /* dropped: the client is in no source range of the service */
	REASON_NO_CONNECTION = 15,  /* reset: a TCP segment in mid-flow of an unknown connection */
	REASON_NO_SOURCE_PORT = 16, /* dropped: every port to mask the client with is taken */
	REASON_NO_SOURCE_ADDRESS =
		17,		 /* dropped: the node has no address to mask the client with */
	REASON_UNALLOCATED = 18, /* dropped: in a ServiceCIDR, and no service's */
	/* 19 was a header that makes no sense, which is the stack's to judge */
	REASON_UNKNOWN_FRAGMENT = 20, /* dropped: a fragment whose first one was not seen */
	REASON_REFUSAL_LIMITED = 21,  /* refused without an answer, which would be one too many */
	REASON_NOT_REWRITABLE =
		22, /* dropped: a packet that could not be changed as it has to be */
	REASON_LEFT_TO_CONNTRACK = 23, /* flows that the kernel's connection tracking translates */
	REASON_AFFINITY_ADDED = 24,    /* clients that a service with session affinity remembers */
	REASON_AFFINITY_FULL = 25, /* table of session affinity full: a client is not remembered */
	REASON_COUNT = 26,
};

#pragma clang diagnostic pop

_Static_assert(sizeof(struct address_info) == 8, "one word");
_Static_assert(sizeof(struct frontend_key) == 20, "no padding");
_Static_assert(sizeof(struct frontend) == 8, "one word");
_Static_assert(sizeof(struct traffic) == 8, "one word");
_Static_assert(sizeof(struct service) == 32, "two to a cache line");
_Static_assert(sizeof(struct backend_state) == 8, "one word");
_Static_assert(sizeof(struct backend) == 32, "two to a cache line");
_Static_assert(sizeof(struct service_name) == 200, "no padding");
_Static_assert(sizeof(struct tally) == 64, "one cache line");
_Static_assert(sizeof(struct peer_key) == 16, "no padding");
_Static_assert(sizeof(struct peer) == 72, "no padding");
_Static_assert(sizeof(struct client) == 40, "no padding");
_Static_assert(sizeof(struct affinity_key) == 24, "no padding");
_Static_assert(sizeof(struct affinity) == 16, "two words");

#endif
