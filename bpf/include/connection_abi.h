/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of abi.h that is the packet path's: devices, connections, and what is kept for packets.
 * What is said there of byte order, addresses and the C# mirrors holds here.
 */
#ifndef EBPF_PROXY_CONNECTION_ABI_H
#define EBPF_PROXY_CONNECTION_ABI_H

#include "abi.h"

#pragma clang diagnostic push
#pragma clang diagnostic error "-Wpadded"

/* --- service prefixes: number -> a prefix that only services have addresses of (ServiceCIDR). The
 * first that is not used ends them. */

#define MAX_SERVICE_PREFIXES 16

struct service_prefix {
	struct address address;
	struct address mask; /* ones where the address counts */
	__u32 is_used;	     /* written last, and cleared a grace period before the rest */
};

/* --- tunnels: number -> ifindex of a tunnel whose routes say where it ends. The first 0 ends them.
 */

#define MAX_TUNNELS 8

/* --- address hints: hash of an address / 64 -> bits, by the rest: the tables or a connection may
 * have an address of this hash --- */

#define ADDRESS_HINT_BITS 18
#define ADDRESS_HINTS	  (1U << ADDRESS_HINT_BITS)

/* --- devices: ifindex -> what a packet that comes or goes there needs to know --- */

enum device_flag {
	DEVICE_LOCAL_PODS = 1 << 0, /* what comes in here is from a pod of this node */
	DEVICE_HAS_PEER = 1 << 1,   /* a veth whose other end is in another namespace: a pod */
	DEVICE_BRIDGED = 1 << 2,    /* a port of a bridge that asks no rules for packets */
	DEVICE_PORT = 1 << 3,	    /* a port of a bridge or switch: what is for that is for us */
};

struct device {
	struct address
		ipv4; /* source of what is masqueraded and leaves here; 0 where there is none */
	struct address ipv6;
	__u32 flags; /* enum device_flag */
	__u8 mac[6]; /* all zero where packets have no link header */
	__u16 reserved;
};

/* --- connections: id -> a flow that the packet path translates. A connection is seen as four
 *flows:
 *
 *	FLOW_ASK      ingress  client -> frontend   becomes  inner client -> backend
 *	FLOW_FORWARD  egress   inner client -> backend  becomes  source -> backend    (masqueraded
 *only) FLOW_RETURN   ingress  backend -> source    becomes  backend -> inner client  (masqueraded
 *only) FLOW_ANSWER   egress   backend -> inner client  becomes  frontend -> client
 *
 * The inner client is the client, with another port where two connections of one client would be
 *the same to one backend. Ingress hooks change the destination, egress hooks the source, as
 *netfilter's PREROUTING and POSTROUTING do, so that routing and filtering between them see client
 *and backend. */

enum flow_role {
	FLOW_ASK = 0,
	FLOW_FORWARD = 1,
	FLOW_RETURN = 2,
	FLOW_ANSWER = 3,
};

enum connection_flag {
	CONNECTION_MASQUERADE = 1 << 0,	    /* the backend sees an address of the node */
	CONNECTION_FROM_NODE = 1 << 1,	    /* the client is the node itself: asked at egress */
	CONNECTION_SOURCE_CHOSEN = 1 << 2,  /* source and source_port are set */
	CONNECTION_SOURCE_CLAIMED = 1 << 3, /* one CPU chooses them, or has */
	CONNECTION_CLOSING = 1 << 4, /* reset, or closed by both: its token is in the queue */
	CONNECTION_BRIDGED = 1 << 5, /* over a bridge, whose rules for packets see no answer */
	CONNECTION_AROUND = 1 << 6,  /* has no rows yet for what leaves the stack */
	CONNECTION_STACK_CLAIMED = 1 << 7, /* one CPU adds them, or has */
};

/* What was seen of the packets of one direction. */
enum seen_flag {
	SEEN_ANY = 1 << 0,
	SEEN_SYN = 1 << 1,
	SEEN_ACK =
		1 << 2, /* a TCP segment with ACK and without SYN; else a packet after an answer */
	SEEN_FIN = 1 << 3,
	SEEN_RST = 1 << 4,
};

struct connection {
	struct address client;
	struct address frontend;
	struct address backend;
	struct address source;
	__be16 client_port;
	__be16 inner_port;
	__be16 frontend_port;
	__be16 backend_port;
	__be16 source_port;
	__u8 protocol;
	__u8 flags; /* enum connection_flag */
	__u32 service;
	__u32 backend_id;
	__u32 backend_generation;
	__u32 device; /* ifindex where the first packet was seen */
	/* One aligned word: 0 while the id is free. Whoever copied the rest and finds the same
	 * generation before and after has one connection. */
	__u32 generation;
	__u8 seen_ask; /* enum seen_flag, of client and backend */
	__u8 seen_answer;
	/* Nothing of it was left to netfilter yet. A byte of its own: CPUs that change flags do not
	 * undo it. */
	__u8 goes_around;
	__u8 reserved;
	__u32 is_over;	    /* counted as closed, though its record is there */
	__u64 last_seen_ns; /* CLOCK_MONOTONIC, within a second */
	/* From the IP header on. Added without a lock: packets of one direction that come on two
	 * CPUs at once may be counted as one. */
	__u64 bytes_ask; /* to the backend */
	__u64 bytes_answer;
};

/* --- flows: a packet as one hook sees it -> its connection --- */

enum flow_hook {
	AT_INGRESS = 0,
	AT_EGRESS = 1,
};

struct flow_key {
	struct address source;
	struct address destination;
	__be16 source_port; /* ICMP echo: the identifier in both */
	__be16 destination_port;
	__u8 protocol;
	__u8 hook; /* enum flow_hook */
	__u16 reserved;
};

/* One aligned 8-byte word. */
struct flow {
	__u32 connection;
	__u32 generation : 30;
	__u32 role : 2; /* enum flow_role */
};

/* What digests of flows are keyed with, so that nobody outside knows which flows are in one bucket.
 */
struct flow_secret {
	__u32 word[sizeof(struct flow_key) / sizeof(__u32)];
};

/* A row, or the place of one: its flow is 0 where none ever was, and has generation 0 where one was
 * removed. */
struct flow_row {
	__u64 digest; /* of the struct flow_key */
	struct flow flow;
};

#define FLOW_BUCKET_ROWS 8

struct flow_bucket {
	struct flow_row rows[FLOW_BUCKET_ROWS];
};

/* What the controller wants of a row, words of struct flow: change_rows takes so many at once, from
 * there on in its packet. */
struct flow_change {
	__u64 digest;
	__u64 before; /* 0: it is added */
	__u64 after;  /* of generation 0: it is removed */
};

#define FLOW_CHANGES_AT_ONCE 64
#define FLOW_CHANGES_AT	     16

/* For so many buckets that rows belong to is one for what has no room there. */
#define FLOW_HOMES_A_SPILL 8

/* --- path state: one record, words that programs and controller tell each other --- */

/* Whether there are connections. */
enum path_use {
	PATH_NOT_IN_USE = 0,
	PATH_IN_USE = 1,   /* said by programs, before each connection that they make */
	PATH_IN_DOUBT = 2, /* said by the controller, before it looks whether there is none */
};

/* What of connections that netfilter has not seen may go around it. */
enum path_around {
	AROUND_NOTHING = 0,
	AROUND_ALL = 1,
	/* Only answers, until the next packet of the client: netfilter must meet the client first,
	 * or it takes the answer for the begin of a connection, and masquerades it. */
	AROUND_ANSWERS = 2,
	/* The same for TCP alone, whose clients acknowledge what they get. */
	AROUND_TCP_ANSWERS = 3,
};

struct path_state {
	__u32 is_in_use;      /* enum path_use; programs look for connections unless it is 0 */
	__u32 has_orphans;    /* connections may have an address and port that are no frontend's */
	__u32 goes_around;    /* enum path_around */
	__u32 parted;	      /* how many connections programs made of what is for no frontend */
	__u32 is_handed_back; /* kube-proxy takes what is new; only connections that are known are
				 translated */
	__u32 reserved;
	struct flow_secret flow_secret; /* as programs were told it before they were loaded */
};

/* --- tracked: a packet as it comes in (struct flow_key) -> that connection tracking translates it
 * --- */

struct tracked {
	__u64 last_seen_ns; /* CLOCK_MONOTONIC, within a second */
	__u32 look;	    /* the last of the controller's looks through it that saw the flow */
	__u32 reserved;
};

/* --- fragments: the first fragment of a datagram -> the ports that the others lack --- */

struct fragment_key {
	struct address source;
	struct address destination;
	__be32 id;
	__u8 protocol;
	__u8 hook; /* enum flow_hook */
	__u16 reserved;
};

/* How many fragments that overtook the first one of their datagram are kept for it. */
#define HELD_FRAGMENTS 8

struct fragment {
	__be16 source_port; /* both 0 while the first is waited for */
	__be16 destination_port;
	__u32 held; /* how many wait for it */
};

/* --- held fragments: datagram, number -> a frame that overtook the first one --- */

#define HELD_BYTES 2048

struct held_key {
	struct fragment_key datagram;
	__u32 number;
};

struct held {
	__u32 length;
	__u8 frame[HELD_BYTES];
};

/* --- budget: per CPU, what may still be answered with an ICMP error or RST --- */

struct budget {
	__u64 refilled_ns; /* CLOCK_MONOTONIC */
	__u64 tokens;
};

#pragma clang diagnostic pop

_Static_assert(sizeof(struct service_prefix) == 36, "no padding");
_Static_assert(sizeof(struct device) == 44, "no padding");
_Static_assert(sizeof(struct connection) == 128, "two cache lines");
_Static_assert(sizeof(struct flow_key) == 40, "no padding");
_Static_assert(sizeof(struct flow) == 8, "one word");
_Static_assert(sizeof(struct flow_bucket) == 128, "two cache lines");
_Static_assert(sizeof(struct flow_change) == 24, "no padding");
_Static_assert(sizeof(struct tracked) == 16, "no padding");
_Static_assert(sizeof(struct fragment_key) == 40, "no padding");

#endif
