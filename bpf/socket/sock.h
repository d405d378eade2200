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

/* Where the socket wants to go. The kernel takes 0.0.0.0 as the address that the socket is bound
 * to, :: and what is left as loopback; it does so after the hook. */
static __always_inline struct frontend_key sock_asked(const struct bpf_sock_addr *ctx,
						      enum hook_family family)
{
	struct frontend_key asked = sock_remote(ctx, family);

	if (!address_is_any(&asked.address))
		return asked;
	if (!address_is_ipv4(&asked.address))
		asked.address = address_loopback(ctx->sk->src_ip6[2] == bpf_htonl(0x0000ffff) &&
						 !(ctx->sk->src_ip6[0] | ctx->sk->src_ip6[1]));
	else if (ctx->sk->src_ip4)
		asked.address = address_from_ipv4(ctx->sk->src_ip4);
	else
		asked.address = address_loopback(true);
	return asked;
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
	bool is_ipv4 = family == HOOK_IPV4 ||
		       (asked.protocol == IPPROTO_TCP && address_is_ipv4(&asked.address));
	struct address nobody = address_loopback(is_ipv4);

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

/* Whether the kernel owns the socket (NFS, SMB, Ceph), which is told for TCP only. Subflows of
 * MPTCP are the kernel's too, but stand for a socket of a process. */
static __always_inline bool sock_is_kernels(const struct bpf_sock_addr *ctx)
{
	const __u8 *sock;

	if (!kernel_sock_mask || ctx->protocol != IPPROTO_TCP)
		return false;
	sock = (const __u8 *)bpf_skc_to_tcp_sock(ctx->sk);
	return sock && sock[kernel_sock_offset] & kernel_sock_mask && !sock_is_subflow(ctx);
}

/* Whether the socket is in the network namespace of the node itself; false where that cannot be
 * told. No cookie is 0. */
static __always_inline bool sock_is_of_node(struct bpf_sock_addr *ctx)
{
	__u64 node = node_is_initial_namespace ? bpf_get_netns_cookie(NULL) : node_namespace;

	return bpf_get_netns_cookie(ctx) == node;
}

/* Whether the packet path translates what the socket sends, in its place. */
static __always_inline bool sock_is_left_to_packets(struct bpf_sock_addr *ctx)
{
	if (socket_translation == TRANSLATE_OFF || sock_is_kernels(ctx))
		return true;
	return socket_translation == TRANSLATE_HOST && !sock_is_of_node(ctx);
}

/* The address that the socket is bound to; 0.0.0.0 or :: where it is bound to none. */
static __always_inline struct address sock_bound(const struct bpf_sock_addr *ctx,
						 enum hook_family family)
{
	struct address bound;

	if (family == HOOK_IPV4)
		return address_from_ipv4(ctx->sk->src_ip4);
	bound.word[0] = ctx->sk->src_ip6[0];
	bound.word[1] = ctx->sk->src_ip6[1];
	bound.word[2] = ctx->sk->src_ip6[2];
	bound.word[3] = ctx->sk->src_ip6[3];
	return bound;
}

/* The same of a datagram, which can say another one; in the sendmsg hooks only. */
static __always_inline struct address sock_datagram_source(const struct bpf_sock_addr *ctx,
							   enum hook_family family)
{
	struct address source;

	if (family == HOOK_IPV4)
		return address_from_ipv4(ctx->msg_src_ip4);
	source.word[0] = ctx->msg_src_ip6[0];
	source.word[1] = ctx->msg_src_ip6[1];
	source.word[2] = ctx->msg_src_ip6[2];
	source.word[3] = ctx->msg_src_ip6[3];
	return source;
}

/* Whether the socket is bound to a loopback address: no backend elsewhere can be reached from it,
 * the kernel says EINVAL. */
static __always_inline bool sock_is_bound_to_loopback(const struct bpf_sock_addr *ctx,
						      enum hook_family family)
{
	struct address bound = sock_bound(ctx, family);

	return address_is_loopback(&bound);
}

/* Whether a loopback address has node ports. */
static __always_inline bool loopback_has_node_ports(const struct frontend_key *at)
{
	if (loopback_node_ports == LOOPBACK_ALL)
		return true;
	return loopback_node_ports == LOOPBACK_TCP4 && at->protocol == IPPROTO_TCP &&
	       address_is_ipv4(&at->address);
}

/* What a destination is to this socket, as enum address_role. To the node itself a loopback
 * address is one of its addresses. */
static __always_inline __u32 sock_roles(struct bpf_sock_addr *ctx, enum hook_family family,
					const struct frontend_key *asked)
{
	__u32 roles = address_roles(&asked->address);

	if (address_is_loopback(&asked->address) && loopback_has_node_ports(asked) &&
	    !sock_is_bound_to_loopback(ctx, family) && sock_is_of_node(ctx))
		roles |= ADDRESS_NODE;
	return roles;
}

/* Fills in what the backend's node would see as the source of what a socket sends, before anything
 * masquerades it; false where that is not known here. What the node sends to an address of its own
 * comes from that address. */
static __always_inline bool sock_client(struct bpf_sock_addr *ctx, const struct address *bound,
					const struct frontend_key *asked, __u32 roles,
					struct address *client)
{
	__u64 namespace = bpf_get_netns_cookie(ctx);
	const struct client *known;

	if (!address_is_any(bound)) {
		*client = *bound;
		return true;
	}
	if (roles & (ADDRESS_NODE | ADDRESS_ON_DEVICE) && sock_is_of_node(ctx)) {
		*client = asked->address;
		return true;
	}
	known = table_lookup(&clients_slot, &namespace);
	if (!known)
		return false;
	*client = address_is_ipv4(&asked->address) ? known->ipv4 : known->ipv6;
	return !address_is_any(client);
}

/* Whether the socket is connected to an address and port: it gets what comes from there alone. */
static __always_inline bool sock_is_connected_to(const struct bpf_sock_addr *ctx,
						 enum hook_family family,
						 const struct address *address, __be16 port)
{
	if (!sock_is_connected(ctx) || ctx->sk->dst_port != port)
		return false;
	if (family == HOOK_IPV4)
		return ctx->sk->dst_ip4 == address->word[3];
	return ctx->sk->dst_ip6[0] == address->word[0] && ctx->sk->dst_ip6[1] == address->word[1] &&
	       ctx->sk->dst_ip6[2] == address->word[2] && ctx->sk->dst_ip6[3] == address->word[3];
}

/* Whether a datagram goes where the socket is connected to, though it says where to. Every send()
 * on a socket that is connected to a v4-mapped address comes to the hook so. */
static __always_inline bool sock_sends_to_peer(const struct bpf_sock_addr *ctx,
					       enum hook_family family)
{
	struct frontend_key remote = sock_remote(ctx, family);

	return sock_is_connected_to(ctx, family, &remote.address, remote.port);
}

#endif
