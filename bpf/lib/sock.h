/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The context of a sock_addr hook, without regard to its family. */
#ifndef EBPF_PROXY_SOCK_H
#define EBPF_PROXY_SOCK_H

#include <linux/in.h>

#include "address.h"
#include "config.h"

/* Which fields of the context a hook has; a v4-mapped address may come in either. */
enum hook_family {
	HOOK_IPV4,
	HOOK_IPV6,
};

/* TCP_ESTABLISHED of the kernel, which a connected UDP socket has too. */
#define SOCK_ESTABLISHED 1

/* The address, port and protocol that the hook is about. */
static __always_inline struct frontend_key sock_remote(const struct bpf_sock_addr *ctx,
						       enum hook_family family)
{
	struct frontend_key remote = {
		.port = ctx->user_port,
		.protocol = ctx->protocol,
	};

	if (family == HOOK_IPV4) {
		remote.address = address_from_ipv4(ctx->user_ip4);
	} else {
		remote.address.word[0] = ctx->user_ip6[0];
		remote.address.word[1] = ctx->user_ip6[1];
		remote.address.word[2] = ctx->user_ip6[2];
		remote.address.word[3] = ctx->user_ip6[3];
	}
	return remote;
}

static __always_inline void sock_set_remote(struct bpf_sock_addr *ctx, enum hook_family family,
					    const struct address *address, __be16 port)
{
	if (family == HOOK_IPV4) {
		ctx->user_ip4 = address->word[3];
	} else {
		ctx->user_ip6[0] = address->word[0];
		ctx->user_ip6[1] = address->word[1];
		ctx->user_ip6[2] = address->word[2];
		ctx->user_ip6[3] = address->word[3];
	}
	ctx->user_port = port;
}

/* Sends a connect() to where nobody listens: port 0 of a loopback address. A UDP socket that is
 * connected to a v4-mapped one could not send to port 0 (EINVAL), so it gets ::1. */
static __always_inline void sock_set_nobody(struct bpf_sock_addr *ctx, enum hook_family family)
{
	struct frontend_key asked = sock_remote(ctx, family);
	struct address nobody = {.word = {0, 0, 0, bpf_htonl(1)}};

	if (family == HOOK_IPV4 ||
	    (asked.protocol == IPPROTO_TCP && address_is_ipv4(&asked.address)))
		nobody = address_from_ipv4(bpf_htonl(0x7f000001));
	sock_set_remote(ctx, family, &nobody, 0);
}

/* Whether connect() set the socket's destination. */
static __always_inline bool sock_is_connected(const struct bpf_sock_addr *ctx)
{
	return ctx->sk->state == SOCK_ESTABLISHED;
}

/* Whether the socket is one subflow of an MPTCP connection: the kernel's own, which no hook sees
 * closed and nobody asks for its peer. */
static __always_inline bool sock_is_subflow(const struct bpf_sock_addr *ctx)
{
	return have_mptcp_sock && ctx->protocol == IPPROTO_TCP && bpf_skc_to_mptcp_sock(ctx->sk);
}

/* Whether an IPv4 datagram goes where the socket is connected to. Every send() on a socket that is
 * connected to a v4-mapped address comes to the hook with it. */
static __always_inline bool sock_sends_to_peer(const struct bpf_sock_addr *ctx)
{
	return sock_is_connected(ctx) && ctx->sk->dst_ip4 == ctx->user_ip4 &&
	       ctx->sk->dst_port == (__be16)ctx->user_port;
}

#endif
