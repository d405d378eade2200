/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef EBPF_PROXY_FRONTEND_H
#define EBPF_PROXY_FRONTEND_H

#include "address.h"
#include "config.h"

/* Fills in a frontend; false on a miss. */
static __always_inline bool frontend_lookup(const struct frontend_key *key,
					    struct frontend *frontend)
{
	const struct frontend *entry = table_lookup(&frontends_slot, key);
	union {
		word_t word;
		struct frontend frontend;
	} copy;

	if (!entry)
		return false;
	copy.word = READ_ONCE(*(const word_t *)entry);
	*frontend = copy.frontend;
	return true;
}

/* The same for a node port of the address's family. */
static __always_inline bool frontend_lookup_node_port(const struct frontend_key *asked,
						      struct frontend *frontend)
{
	struct frontend_key node_port = *asked;

	node_port.address = address_any(&asked->address);

	return frontend_lookup(&node_port, frontend);
}

/* Whether it is a cluster IP that a device of the node holds, as a node-local DNS cache does. */
static __always_inline bool roles_are_left_to_the_stack(__u32 roles)
{
	return leave_device_addresses && roles & ADDRESS_CLUSTER_IP && roles & ADDRESS_ON_DEVICE;
}

/* Fills in the frontend that a destination with these roles is; false where it is none. An
 * external address that is also the node's wins over the node port of the same number. */
static __always_inline bool frontend_find(const struct frontend_key *asked, __u32 roles,
					  struct frontend *frontend)
{
	if (roles_are_left_to_the_stack(roles))
		return false;
	if (roles & (ADDRESS_CLUSTER_IP | ADDRESS_EXTERNAL) && frontend_lookup(asked, frontend))
		return true;
	return roles & ADDRESS_NODE && frontend_lookup_node_port(asked, frontend);
}

/* What a destination that is no frontend gets: REASON_NONE where it is left alone. */
static __always_inline enum reason frontend_miss(__u32 roles)
{
	if (roles_are_left_to_the_stack(roles))
		return REASON_NONE;
	return roles & ADDRESS_CLUSTER_IP ? REASON_UNKNOWN_PORT : REASON_NONE;
}

#endif
