/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs cannot know by themselves. User space sets it before load; the verifier then
 * removes what does not apply.
 */
#ifndef EBPF_PROXY_CONFIG_H
#define EBPF_PROXY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "connection_abi.h"

/* The kernel has bpf_set_retval (5.18), so that a hook can say ECONNREFUSED itself. */
const volatile bool have_set_retval = false;

/* The kernel has bpf_skc_to_mptcp_sock (5.19), so that a hook can tell a subflow of MPTCP. */
const volatile bool have_mptcp_sock = false;

/* The kernel tells the hooks of connect() and sendto() which process calls. */
const volatile bool have_current_task = false;

/* proxy_sock_ops is attached: it hears of the end of TCP connections, and has their bytes. */
const volatile bool counts_socket_bytes = false;

/* Cookie of the network namespace of the node itself; 0 where it cannot be had (before 5.14). */
const volatile __u64 node_namespace = 0;

/* The node is the initial network namespace, whose cookie a hook can ask for on every kernel. */
const volatile bool node_is_initial_namespace = false;

/* Where struct sock says that the kernel owns a socket: a byte of it and a bit of that. No bit
 * where the kernel does not describe its types (CONFIG_DEBUG_INFO_BTF). */
const volatile __u32 kernel_sock_offset = 0;
const volatile __u32 kernel_sock_mask = 0;

/* Whose sockets are translated; the packets of the others are left to the packet path. */
enum socket_translation {
	TRANSLATE_ALL = 0,
	TRANSLATE_HOST = 1, /* those of the node's own network namespace */
	TRANSLATE_OFF = 2,
};

const volatile enum socket_translation socket_translation = TRANSLATE_ALL;

/* Which loopback addresses have node ports, for sockets of the node's own network namespace. */
enum loopback_node_ports {
	LOOPBACK_NONE = 0,
	LOOPBACK_TCP4 = 1, /* 127.0.0.0/8 by TCP, as kube-proxy has it */
	LOOPBACK_ALL = 2,  /* ::1 and UDP as well */
};

const volatile enum loopback_node_ports loopback_node_ports = LOOPBACK_NONE;
/* A cluster IP that a device of the node holds is left to the stack while it does. */
const volatile bool leave_device_addresses = true;

/* The ports behind which clients are masqueraded: of no socket of the node, and no node port. */
const volatile __u16 source_port_first = 1024;
const volatile __u16 source_port_count = 28976;

/* Whether a port of the node is one behind which clients are masqueraded. */
static __always_inline bool is_source_port(__be16 port)
{
	return (__u16)(bpf_ntohs(port) - source_port_first) < source_port_count;
}

/* The API server's range of node ports. A node port beyond it is one all the same: its packets are
 * known by two lookups more. */
const volatile __u16 node_port_first = 30000;
const volatile __u16 node_port_count = 2768;

static __always_inline bool is_in_node_port_range(__be16 port)
{
	return (__u16)(bpf_ntohs(port) - node_port_first) < node_port_count;
}

/* The versions of the layouts that this object was compiled with. */
const volatile __u32 tables_version = TABLES_VERSION;
const volatile __u32 sockets_version = SOCKETS_VERSION;
const volatile __u32 connections_version = CONNECTIONS_VERSION;

/* BTF holds an enum only where something of its type is emitted; user space compares these. */
const volatile struct {
	enum address_role address_role;
	enum frontend_kind frontend_kind;
	enum frontend_flag frontend_flag;
	enum verdict verdict;
	enum service_flag service_flag;
	enum backend_flag backend_flag;
	enum peer_flag peer_flag;
	enum client_flag client_flag;
	enum device_flag device_flag;
	enum flow_role flow_role;
	enum connection_flag connection_flag;
	enum seen_flag seen_flag;
	enum flow_hook flow_hook;
	enum path_use path_use;
	enum path_around path_around;
	enum reason reason;
} abi_enums = {};

#endif
