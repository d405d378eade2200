// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The socket path: a destination that is a service's becomes one of its backends before there is a
 * packet, and a peer that is such a backend becomes the service again when the socket asks for it.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "config.h"
#include "maps.h"
#include "socket/bind.h"
#include "socket/translate.h"
#include "trace.h"

#define REJECT	0
#define PROCEED 1

enum refusal {
	REFUSE_CONNECT,
	REFUSE_SEND,
};

/* ECONNREFUSED where a hook can say so. Before 5.18 a connect() goes to where nobody listens, which
 * comes to the same; there is no such place for a datagram, and its sender sees EPERM. */
static __always_inline int refuse(struct bpf_sock_addr *ctx, enum hook_family family,
				  enum refusal refusal)
{
	if (have_set_retval) {
		bpf_set_retval(-ECONNREFUSED);
		return REJECT;
	}
	if (refusal == REFUSE_SEND)
		return REJECT;
	sock_set_nobody(ctx, family);
	return PROCEED;
}

/* Tells who traces what a socket got for what it asked. */
static __noinline void trace_socket(const struct frontend_key *asked, const struct choice *choice,
				    enum reason reason)
{
	const struct trace_filter *filter = trace_filter();
	struct trace_event *event;

	if (!filter)
		return;
	event = trace_begin();
	if (!event)
		return;
	event->frontend = asked->address;
	event->frontend_port = asked->port;
	event->protocol = asked->protocol;
	event->reason = reason;
	/* Where no service has the port, there is none. */
	event->has_service = reason != REASON_UNKNOWN_PORT;
	event->service = choice->service;
	if (reason == REASON_TRANSLATED) {
		event->backend = choice->address;
		event->backend_port = choice->port;
	}
	if (have_current_task) {
		event->pid = bpf_get_current_pid_tgid() >> 32;
		bpf_get_current_comm(event->command, sizeof(event->command));
	}
	trace_end(filter, event);
}

static __always_inline int apply(struct bpf_sock_addr *ctx, enum hook_family family,
				 const struct frontend_key *asked, enum reason reason,
				 const struct choice *choice, enum refusal refusal)
{
	/* What is dropped goes on as a packet, which the packet path drops, and counts. */
	if (reason == REASON_NONE || reason == REASON_NO_LOCAL_ENDPOINT)
		return PROCEED;
	count(reason);
	if (!choice->is_known)
		trace_socket(asked, choice, reason);
	if (reason == REASON_TRANSLATED) {
		sock_set_remote(ctx, family, &choice->address, choice->port);
		return PROCEED;
	}
	tally_refuse(choice->service, reason);
	return refuse(ctx, family, refusal);
}

static __always_inline int handle_connect(struct bpf_sock_addr *ctx, enum hook_family family)
{
	struct frontend_key asked = sock_asked(ctx, family);
	struct choice choice = {};

	if (!is_translated_protocol(asked.protocol))
		return PROCEED;
	return apply(ctx, family, &asked, translate_connect(ctx, family, &asked, &choice), &choice,
		     REFUSE_CONNECT);
}

static __always_inline int handle_send(struct bpf_sock_addr *ctx, enum hook_family family)
{
	struct frontend_key asked = sock_asked(ctx, family);
	struct choice choice = {};

	if (!is_translated_protocol(asked.protocol) || sock_sends_to_peer(ctx, family))
		return PROCEED;
	return apply(ctx, family, &asked, translate_datagram(ctx, family, &asked, &choice), &choice,
		     REFUSE_SEND);
}

/* The peer that the socket is told is the frontend that it asked. */
static __always_inline int handle_peer(struct bpf_sock_addr *ctx, enum hook_family family)
{
	struct frontend_key remote = sock_remote(ctx, family);
	struct peer peer;

	if (peers_find_backend(bpf_get_socket_cookie(ctx), &remote.address, remote.port, &peer))
		sock_set_remote(ctx, family, &peer.frontend, peer.frontend_port);
	return PROCEED;
}

/* EADDRINUSE where a hook can say so (5.18), else EPERM. */
static __always_inline int handle_bind(struct bpf_sock_addr *ctx, enum hook_family family)
{
	if (!bind_takes_node_port(ctx, family))
		return PROCEED;
	if (have_set_retval)
		bpf_set_retval(-EADDRINUSE);
	return REJECT;
}

SEC("cgroup/connect4")
int proxy_connect4(struct bpf_sock_addr *ctx)
{
	return handle_connect(ctx, HOOK_IPV4);
}

SEC("cgroup/connect6")
int proxy_connect6(struct bpf_sock_addr *ctx)
{
	return handle_connect(ctx, HOOK_IPV6);
}

SEC("cgroup/sendmsg4")
int proxy_sendmsg4(struct bpf_sock_addr *ctx)
{
	return handle_send(ctx, HOOK_IPV4);
}

SEC("cgroup/sendmsg6")
int proxy_sendmsg6(struct bpf_sock_addr *ctx)
{
	return handle_send(ctx, HOOK_IPV6);
}

SEC("cgroup/recvmsg4")
int proxy_recvmsg4(struct bpf_sock_addr *ctx)
{
	return handle_peer(ctx, HOOK_IPV4);
}

SEC("cgroup/recvmsg6")
int proxy_recvmsg6(struct bpf_sock_addr *ctx)
{
	return handle_peer(ctx, HOOK_IPV6);
}

SEC("cgroup/getpeername4")
int proxy_getpeername4(struct bpf_sock_addr *ctx)
{
	return handle_peer(ctx, HOOK_IPV4);
}

SEC("cgroup/getpeername6")
int proxy_getpeername6(struct bpf_sock_addr *ctx)
{
	return handle_peer(ctx, HOOK_IPV6);
}

SEC("cgroup/bind4")
int proxy_bind4(struct bpf_sock_addr *ctx)
{
	return handle_bind(ctx, HOOK_IPV4);
}

SEC("cgroup/bind6")
int proxy_bind6(struct bpf_sock_addr *ctx)
{
	return handle_bind(ctx, HOOK_IPV6);
}

/* A TCP connection begins, and is established: another program may have chosen its own callbacks in
 * place of this one since. If it is to a service, its end is told to proxy_sock_ops as well. */
static __always_inline void watch_until_closed(struct bpf_sock_ops *ctx)
{
	struct peer_key key = {.socket = bpf_get_socket_cookie(ctx)};

	if (peer_is_until_closed(&key))
		bpf_sock_ops_cb_flags_set(ctx,
					  ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

/* It ended: what it carried is the service's. */
static __always_inline void handle_closed(struct bpf_sock_ops *ctx)
{
	struct peer_key key = {.socket = bpf_get_socket_cookie(ctx)};

	peer_end(&key, ctx->bytes_acked, ctx->bytes_received);
}

SEC("sockops")
int proxy_sock_ops(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB || ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		watch_until_closed(ctx);
	else if (ctx->op == BPF_SOCK_OPS_STATE_CB && ctx->args[1] == BPF_TCP_CLOSE)
		handle_closed(ctx);
	return PROCEED;
}

SEC("cgroup/sock_release")
int proxy_sock_release(struct bpf_sock *ctx)
{
	struct peer_key key = {.socket = bpf_get_socket_cookie(ctx)};

	/* Data and FIN may still be under way: proxy_sock_ops hears of the end. It does not where
	 * the connection never began, as one does not that waits for its first data. */
	if (counts_socket_bytes && ctx->protocol == IPPROTO_TCP && ctx->state != BPF_TCP_CLOSE &&
	    ctx->state != BPF_TCP_SYN_SENT && peer_is_until_closed(&key))
		return PROCEED;
	/* A TCP socket has one record at most, and most sockets have none. */
	if (peer_remove(&key) && ctx->protocol != IPPROTO_TCP)
		peers_remove(key.socket, 1);
	return PROCEED;
}

/* The code is dual-licensed, and helpers that only GPL programs may call are called under that. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";
