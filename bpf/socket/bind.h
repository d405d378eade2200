/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The guard of node ports: whether a socket of the node may have a port for itself. */
#ifndef EBPF_PROXY_BIND_H
#define EBPF_PROXY_BIND_H

#include "frontend.h"
#include "sock.h"

static __always_inline bool bind_is_on_node_port(const struct frontend_key *bound)
{
	struct frontend frontend;

	return frontend_lookup_node_port(bound, &frontend);
}

/* Whether what the socket is to be bound to is a node port. A bind to :: takes the port of IPv4
 * too; that IPV6_V6ONLY keeps it from that cannot be seen here. */
static __always_inline bool bind_takes_node_port(struct bpf_sock_addr *ctx, enum hook_family family)
{
	struct frontend_key bound = sock_remote(ctx, family);
	bool is_any = address_is_any(&bound.address);

	/* The kernel picks a port for 0, and never one that somebody asked for. */
	if (!bound.port || (bound.protocol != IPPROTO_TCP && bound.protocol != IPPROTO_UDP) ||
	    !sock_is_of_node(ctx))
		return false;
	if (address_is_loopback(&bound.address)
		    ? !loopback_has_node_ports(&bound)
		    : !is_any && !(address_roles(&bound.address) & ADDRESS_NODE))
		return false;
	if (bind_is_on_node_port(&bound))
		return true;
	if (!is_any || address_is_ipv4(&bound.address))
		return false;
	bound.address = address_from_ipv4(0);
	return bind_is_on_node_port(&bound);
}

#endif
