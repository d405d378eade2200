/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a socket gets for what it asks: address -> frontend -> service -> backend -> record. Each
 * answers with a reason: REASON_TRANSLATED and a choice, REASON_NONE where the destination is none
 * of ours, or why it is refused or dropped.
 */
#ifndef EBPF_PROXY_TRANSLATE_H
#define EBPF_PROXY_TRANSLATE_H

#include "frontend.h"
#include "peer.h"
#include "service.h"
#include "sock.h"

/* How many backends a datagram tries to find one that the socket does not know as another
 * frontend's. */
#define SHARE_ATTEMPTS 8

static __always_inline bool is_translated_protocol(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

static __always_inline struct peer peer_from(struct bpf_sock_addr *ctx,
					     const struct frontend_key *asked,
					     const struct choice *choice, __u8 flags)
{
	return (struct peer){
		.frontend = asked->address,
		.backend = choice->address,
		.frontend_port = asked->port,
		.backend_port = choice->port,
		.protocol = asked->protocol,
		.flags = flags,
		.service = choice->service,
		.backend_id = choice->id,
		.backend_generation = choice->generation,
		.network_namespace = bpf_get_netns_cookie(ctx),
	};
}

/* What a destination that is no frontend gets; what is left to the packet path is refused there. */
static __always_inline enum reason refusal_of_miss(struct bpf_sock_addr *ctx, __u32 roles)
{
	enum reason reason = frontend_miss(roles);

	return reason == REASON_NONE || sock_is_left_to_packets(ctx) ? REASON_NONE : reason;
}

/* A connection: one backend, and all that the socket asked before is over. */
static __always_inline enum reason translate_connect(struct bpf_sock_addr *ctx,
						     enum hook_family family,
						     const struct frontend_key *asked,
						     struct choice *choice)
{
	__u32 roles = sock_roles(ctx, family, asked);
	struct peer_key key = {};
	struct frontend frontend;
	enum reason reason;
	struct peer peer;

	if (!roles)
		return REASON_NONE;
	if (!frontend_find(asked, roles, &frontend)) {
		if (roles & ADDRESS_BACKEND)
			peers_remove(bpf_get_socket_cookie(ctx), 0);
		return refusal_of_miss(ctx, roles);
	}
	if (frontend.flags & FRONTEND_SOURCE_RANGES || sock_is_left_to_packets(ctx))
		return REASON_NONE;
	reason = service_pick(&frontend, ORIGIN_NEAR, bpf_get_prandom_u32(), choice);
	if (reason != REASON_TRANSLATED || sock_is_subflow(ctx))
		return reason;

	key.socket = bpf_get_socket_cookie(ctx);
	peer = peer_from(ctx, asked, choice, PEER_CONNECTED);
	peer_write(&key, &peer);
	/* A TCP socket has one connection; only UDP can have asked others. */
	if (asked->protocol == IPPROTO_UDP)
		peers_remove(key.socket, 1);
	return REASON_TRANSLATED;
}

/* Picks a backend by which the socket does not know another frontend yet, where one of those it
 * tries is such. The tries are steps of equal width around the set, so that none is tried twice
 * unless all are. */
static __always_inline enum reason pick_unshared(const struct frontend *frontend,
						 const struct peer_key *key, struct choice *choice)
{
	__u32 random = bpf_get_prandom_u32();

	for (int attempt = 0; attempt < SHARE_ATTEMPTS; attempt++) {
		enum reason reason = service_pick(frontend, ORIGIN_NEAR, random, choice);

		if (reason != REASON_TRANSLATED)
			return reason;
		if (!peers_share(key->socket, key->slot, address_half(&choice->address, 0),
				 address_half(&choice->address, 1), choice->port))
			break;
		random += 0xffffffff / SHARE_ATTEMPTS + 1;
	}
	return REASON_TRANSLATED;
}

/* Keeps what a datagram got. Replies show this frontend from now on, whatever the socket asked of
 * the same backend before. Slot 0 of a connected socket is its connection: it is not given away,
 * and replies come from nobody else. */
static __always_inline void keep_datagram(struct bpf_sock_addr *ctx, struct peer_key *key,
					  struct peer *peer)
{
	if (key->slot >= PEERS_PER_SOCKET) {
		count(REASON_PEER_OVERFLOW);
		key->slot = 1 + ((__u64)bpf_get_prandom_u32() * (PEERS_PER_SOCKET - 1) >> 32);
	}
	if (!sock_is_connected(ctx) &&
	    peers_forget(key->socket, key->slot, address_half(&peer->backend, 0),
			 address_half(&peer->backend, 1), peer->backend_port))
		count(REASON_PEER_SHARED);
	peer_write(key, peer);
}

/* A datagram to a backend's own address: its replies are no longer a service's. */
static __always_inline void forget_backend(struct bpf_sock_addr *ctx,
					   const struct frontend_key *asked)
{
	if (!sock_is_connected(ctx))
		peers_forget(bpf_get_socket_cookie(ctx), PEERS_PER_SOCKET,
			     address_half(&asked->address, 0), address_half(&asked->address, 1),
			     asked->port);
}

/* A datagram to a frontend: what the socket got from it before, for as long as that serves. */
static __always_inline enum reason translate_asked(struct bpf_sock_addr *ctx,
						   const struct frontend_key *asked,
						   const struct frontend *frontend,
						   struct choice *choice)
{
	struct peer_key key = {.socket = bpf_get_socket_cookie(ctx)};
	enum reason reason;
	struct peer peer;
	bool serves;

	serves = peers_find_frontend(key.socket, &asked->address, asked->port, &peer) &&
		 peer.service == frontend->service &&
		 backend_serves(peer.backend_id, peer.backend_generation);
	if (serves) {
		choice->address = peer.backend;
		choice->port = peer.backend_port;
		if (!(peer.flags & PEER_FORGOTTEN))
			return REASON_TRANSLATED;
	}

	key.slot = peers_place(key.socket, address_half(&asked->address, 0),
			       address_half(&asked->address, 1), asked->port);
	if (serves) {
		peer.flags &= ~PEER_FORGOTTEN;
	} else {
		reason = pick_unshared(frontend, &key, choice);
		if (reason != REASON_TRANSLATED)
			return reason;
		peer = peer_from(ctx, asked, choice, 0);
	}
	keep_datagram(ctx, &key, &peer);
	return REASON_TRANSLATED;
}

static __always_inline enum reason translate_datagram(struct bpf_sock_addr *ctx,
						      enum hook_family family,
						      const struct frontend_key *asked,
						      struct choice *choice)
{
	__u32 roles = sock_roles(ctx, family, asked);
	struct frontend frontend;

	if (!roles)
		return REASON_NONE;
	if (!frontend_find(asked, roles, &frontend)) {
		if (roles & ADDRESS_BACKEND)
			forget_backend(ctx, asked);
		return refusal_of_miss(ctx, roles);
	}
	if (frontend.flags & FRONTEND_SOURCE_RANGES || sock_is_left_to_packets(ctx))
		return REASON_NONE;
	return translate_asked(ctx, asked, &frontend, choice);
}

#endif
