/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of abi.h by which somebody who looks on is told of new connections. What is said there
 * of byte order, addresses and the C# mirrors holds here.
 */
#ifndef EBPF_PROXY_TRACE_ABI_H
#define EBPF_PROXY_TRACE_ABI_H

#include "abi.h"

#pragma clang diagnostic push
#pragma clang diagnostic error "-Wpadded"

/* How many services one trace can ask for: those of one Kubernetes Service, one a port and family.
 */
#define TRACE_SERVICES 16

/* --- trace filter: one record, what a tracer wants to hear --- */

struct trace_filter {
	__u64 until_ns;		/* CLOCK_MONOTONIC; 0 while nobody traces. Written last. */
	struct address address; /* of client, frontend or backend; all zero for any */
	__be16 port;		/* the same; 0 for any */
	__u8 protocol;		/* IPPROTO_*; 0 for any */
	__u8 service_count;	/* how many of the services count; 0 for any */
	__u32 services[TRACE_SERVICES];
	__u32 reserved;
};

/* --- trace events: what became of the first packet of a connection, or of a connect() --- */

struct trace_event {
	__u64 time_ns;		 /* CLOCK_MONOTONIC */
	struct address client;	 /* all zero at a socket, which may have none yet */
	struct address frontend; /* what was asked */
	struct address backend;	 /* all zero where there is none */
	__be16 client_port;
	__be16 frontend_port;
	__be16 backend_port;
	__u8 protocol;
	__u8 has_service;
	__u32 service;
	__u32 reason; /* enum reason: REASON_TRANSLATED at a socket, REASON_CONNECTION_OPENED in tc
		       */
	__u32 device; /* ifindex in tc; 0 at a socket */
	__u32 pid;    /* of who asked, at a socket, where the kernel tells it */
	__u8 command[16];
};

#pragma clang diagnostic pop

_Static_assert(sizeof(struct trace_filter) == 96, "no padding");
_Static_assert(sizeof(struct trace_event) == 96, "no padding");

#endif
