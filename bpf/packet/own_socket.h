/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The node's own sockets. The kernel may give one a port that is some service's node port: what its
 * peer answers is for it, and not the beginning of anything.
 */
#ifndef EBPF_PROXY_OWN_SOCKET_H
#define EBPF_PROXY_OWN_SOCKET_H

#include "packet.h"

#define OWN_ESTABLISHED 1  /* TCP_ESTABLISHED, which a connected UDP socket has too */
#define OWN_LISTEN	10 /* TCP_LISTEN */

/* Whether a socket of this network namespace is connected to where a packet comes from. */
static __noinline bool own_socket_expects(struct __sk_buff *skb, const struct flow_key *key)
{
	bool is_ipv4 = skb->protocol == bpf_htons(ETH_P_IP);
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sock;
	__u32 size;
	bool expects;

	if (is_ipv4) {
		tuple.ipv4.saddr = key->source.word[3];
		tuple.ipv4.daddr = key->destination.word[3];
		tuple.ipv4.sport = key->source_port;
		tuple.ipv4.dport = key->destination_port;
		size = sizeof(tuple.ipv4);
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, &key->source, sizeof(struct address));
		__builtin_memcpy(tuple.ipv6.daddr, &key->destination, sizeof(struct address));
		tuple.ipv6.sport = key->source_port;
		tuple.ipv6.dport = key->destination_port;
		size = sizeof(tuple.ipv6);
	}
	/* Read apart: the verifier takes them for pointers to different things. A UDP socket that
	 * is not connected is in another state than one that is. */
	if (key->protocol == IPPROTO_TCP) {
		sock = bpf_skc_lookup_tcp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
		if (!sock)
			return false;
		expects = READ_ONCE(sock->state) != OWN_LISTEN;
	} else if (key->protocol == IPPROTO_UDP) {
		sock = bpf_sk_lookup_udp(skb, &tuple, size, BPF_F_CURRENT_NETNS, 0);
		if (!sock)
			return false;
		expects = READ_ONCE(sock->state) == OWN_ESTABLISHED;
	} else {
		return false;
	}
	bpf_sk_release(sock);
	return expects;
}

#endif
