/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a socket gets for what it asks: address -> frontend -> service -> backend -> record. Each
 * answers with a reason: REASON_TRANSLATED and a choice, REASON_NONE where the destination is none
 * of ours, or why it is refused or dropped.
 */
#ifndef EBPF_PROXY_TRANSLATE_H
#define EBPF_PROXY_TRANSLATE_H

#include "affinity.h"
#include "frontend.h"
#include "peer.h"
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

/* Whether a datagram may be an answer of the node to itself: the packet path shows a service's
 * address and a port of its own as the client of one that no hook saw, and knows the way back. */
static __always_inline bool may_answer_node(struct bpf_sock_addr *ctx,
					    const struct frontend_key *asked)
{
	return is_source_port(asked->port) && sock_is_of_node(ctx);
}

/* Chooses a backend for a connection: the one that the client has, where the service remembers
 * clients. Where the client is not known, REASON_NONE: the packet path knows it. */
static __always_inline enum reason pick_connection(struct bpf_sock_addr *ctx,
						   enum hook_family family,
						   const struct frontend_key *asked, __u32 roles,
						   const struct frontend *frontend,
						   struct choice *choice)
{
	const struct service *service = service_at(frontend->service);
	__u32 seconds = service_affinity_seconds(service);
	struct address bound, client;

	if (!seconds)
		return service_pick(service, frontend, ORIGIN_NEAR, bpf_get_prandom_u32(), choice);
	bound = sock_bound(ctx, family);
	if (!sock_client(ctx, &bound, asked, roles, &client))
		return REASON_NONE;
	return affinity_pick(service, seconds, frontend, ORIGIN_NEAR, &client, choice);
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

	if (!roles) {
		/* It may have been a backend's until a moment ago. */
		if (asked->protocol == IPPROTO_UDP)
			peers_remove(bpf_get_socket_cookie(ctx), 0);
		return REASON_NONE;
	}
	if (!frontend_find(asked, roles, &frontend)) {
		if (roles & ADDRESS_BACKEND)
			peers_remove(bpf_get_socket_cookie(ctx), 0);
		return refusal_of_miss(ctx, roles);
	}
	if (frontend.flags & FRONTEND_SOURCE_RANGES || sock_is_left_to_packets(ctx))
		return REASON_NONE;
	choice->service = frontend.service;
	reason = pick_connection(ctx, family, asked, roles, &frontend, choice);
	if (reason != REASON_TRANSLATED)
		return reason;
	if (sock_is_subflow(ctx)) {
		tally_pass(choice->service);
		return REASON_TRANSLATED;
	}

	key.socket = bpf_get_socket_cookie(ctx);
	peer = peer_from(ctx, asked, choice,
			 counts_socket_bytes && asked->protocol == IPPROTO_TCP
				 ? PEER_CONNECTED | PEER_UNTIL_CLOSED
				 : PEER_CONNECTED);
	peer_write(&key, &peer, true);
	/* A TCP socket has one connection; only UDP can have asked others. */
	if (asked->protocol == IPPROTO_UDP)
		peers_remove(key.socket, 1);
	return REASON_TRANSLATED;
}

/* Picks a backend for what a socket asks of a service through a frontend of a kind: one by which it
 * does not know another frontend yet, where one of those that are tried is such. The tries are
 * steps of equal width around the set, so that none is tried twice unless all are. The backend's
 * id, or less than 0: the reason, negative. A global function of numbers only, as those of peer.h:
 * the verifier goes through it once. */
__noinline int pick_unshared(__u64 socket, __u32 slot, __u32 service, __u32 kind, __u32 random)
{
	struct frontend frontend = {.service = service, .kind = kind};
	struct choice choice;

	for (int attempt = 0; attempt < SHARE_ATTEMPTS; attempt++) {
		enum reason reason =
			service_pick(service_at(service), &frontend, ORIGIN_NEAR, random, &choice);

		if (reason != REASON_TRANSLATED)
			return -(int)reason;
		if (!peers_share(socket, slot, address_half(&choice.address, 0),
				 address_half(&choice.address, 1), choice.port))
			break;
		random += 0xffffffff / SHARE_ATTEMPTS + 1;
	}
	return choice.id;
}

/* The same, with what the backend is. */
static __always_inline enum reason
choose_unshared(const struct frontend *frontend, const struct peer_key *key, struct choice *choice)
{
	int picked = pick_unshared(key->socket, key->slot, frontend->service, frontend->kind,
				   bpf_get_prandom_u32());

	if (picked < 0)
		return -picked;
	return backend_choose(picked, frontend->service, choice) ? REASON_TRANSLATED
								 : REASON_STALE_SET;
}

/* Chooses a backend for the first of a socket's datagrams to a frontend, as pick_connection. */
static __always_inline enum reason pick_datagram(struct bpf_sock_addr *ctx, enum hook_family family,
						 const struct frontend_key *asked, __u32 roles,
						 const struct frontend *frontend,
						 const struct peer_key *key, struct choice *choice)
{
	const struct service *service = service_at(frontend->service);
	__u32 seconds = service_affinity_seconds(service);
	struct address source, client;
	struct regular regular;
	enum reason reason;

	if (!seconds)
		return choose_unshared(frontend, key, choice);
	source = sock_datagram_source(ctx, family);
	if (!sock_client(ctx, &source, asked, roles, &client))
		return REASON_NONE;
	regular = regular_of(service, seconds, frontend, ORIGIN_NEAR, &client);
	if (affinity_recall(&regular, choice))
		return REASON_TRANSLATED;
	reason = choose_unshared(frontend, key, choice);
	if (reason == REASON_TRANSLATED)
		affinity_keep(&regular, choice);
	return reason;
}

/* Keeps what a datagram got. Replies show this frontend from now on, whatever the socket asked of
 * the same backend before. Slot 0 of a connected socket is its connection: it is not given away,
 * and replies come from nobody else. */
static __always_inline void keep_datagram(struct bpf_sock_addr *ctx, struct peer_key *key,
					  struct peer *peer, bool begins)
{
	if (key->slot >= PEERS_PER_SOCKET) {
		count(REASON_PEER_OVERFLOW);
		key->slot = 1 + ((__u64)bpf_get_prandom_u32() * (PEERS_PER_SOCKET - 1) >> 32);
	}
	if (!sock_is_connected(ctx) &&
	    peers_forget(key->socket, key->slot, address_half(&peer->backend, 0),
			 address_half(&peer->backend, 1), peer->backend_port))
		count(REASON_PEER_SHARED);
	peer_write(key, peer, begins);
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
						   enum hook_family family,
						   const struct frontend_key *asked, __u32 roles,
						   const struct frontend *frontend,
						   struct choice *choice)
{
	struct peer_key key = {.socket = bpf_get_socket_cookie(ctx)};
	bool serves, is_connection;
	enum reason reason;
	struct peer peer;

	serves = peers_find_frontend(key.socket, &asked->address, asked->port, &peer);
	is_connection = serves && peer.flags & PEER_CONNECTED &&
			sock_is_connected_to(ctx, family, &peer.backend, peer.backend_port);
	serves = serves && peer.service == frontend->service &&
		 (backend_serves(peer.backend_id, peer.backend_generation) ||
		  service_has_nobody(peer.service));
	if (serves) {
		choice->address = peer.backend;
		choice->port = peer.backend_port;
		choice->is_known = true;
		if (!(peer.flags & PEER_FORGOTTEN))
			return REASON_TRANSLATED;
	}

	key.slot = peers_place(key.socket, address_half(&asked->address, 0),
			       address_half(&asked->address, 1), asked->port);
	if (serves) {
		peer.flags &= ~PEER_FORGOTTEN;
	} else {
		reason = pick_datagram(ctx, family, asked, roles, frontend, &key, choice);
		if (reason != REASON_TRANSLATED)
			return reason;
		/* The controller finds by its record that the socket is to be closed. */
		if (is_connection) {
			tally_pass(choice->service);
			return REASON_TRANSLATED;
		}
		peer = peer_from(ctx, asked, choice, 0);
	}
	keep_datagram(ctx, &key, &peer, !serves);
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
		return may_answer_node(ctx, asked) ? REASON_NONE : refusal_of_miss(ctx, roles);
	}
	if (frontend.flags & FRONTEND_SOURCE_RANGES || sock_is_left_to_packets(ctx))
		return REASON_NONE;
	choice->service = frontend.service;
	return translate_asked(ctx, family, asked, roles, &frontend, choice);
}

#endif
