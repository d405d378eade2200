/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows that are known: which packets go on in one, and which begin a new one. */
#ifndef EBPF_PROXY_KNOWN_H
#define EBPF_PROXY_KNOWN_H

#include "connection.h"

/* Whether a flow that is known is over, so that a packet begins a new one. */
static __always_inline bool begins_anew(const struct found *found, const struct packet *packet,
					__u64 now)
{
	const struct connection *connection = found->connection;

	if (connection_is_over(connection, now))
		return true;
	if (found->role != FLOW_ASK)
		return false;
	if (packet->key.protocol == IPPROTO_TCP)
		return (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
		       (connection->seen_ask | connection->seen_answer) & (SEEN_FIN | SEEN_RST);
	return !backend_serves(connection->backend_id, connection->backend_generation);
}

/* Finds the connection of a packet that goes on, and says the time then. One that is over is ended.
 */
static __always_inline bool find(const struct packet *packet, struct found *found, __u64 *now)
{
	if (!connection_find(&packet->key, found))
		return false;
	*now = now_ns();
	if (!begins_anew(found, packet, *now))
		return true;
	connection_end(found->connection, found->generation);
	return false;
}

#endif
