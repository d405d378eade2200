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
#include <bpf/bpf_helpers.h>

#include "abi.h"

/* The kernel has bpf_set_retval (5.18), so that a hook can say ECONNREFUSED itself. */
const volatile bool have_set_retval = false;

/* The kernel has bpf_skc_to_mptcp_sock (5.19), so that a hook can tell a subflow of MPTCP. */
const volatile bool have_mptcp_sock = false;

/* Cookie of the network namespace of the node itself. */
const volatile __u64 node_namespace = 0;

/* A cluster IP that a device of the node holds is left to the stack while it does. */
const volatile bool leave_device_addresses = true;

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
	enum reason reason;
} abi_enums = {};

#endif
