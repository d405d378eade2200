// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Ends a connection as somebody does who looked at it some time ago: the payload of a UDP datagram
 * of IPv4 has its id and the generation that it had then. Drops the packet where that ended it.
 */
#include "../../../bpf/tc.bpf.c"

SEC("tc")
int end(struct __sk_buff *skb)
{
	__u32 payload = ETH_HLEN + sizeof(struct iphdr) + 8;
	struct connection *connection;
	__u64 known[2];

	if (bpf_skb_load_bytes(skb, payload, known, sizeof(known)))
		return TC_ACT_OK;
	connection = connection_at(known[0]);
	return connection && connection_end(connection, known[0], known[1]) ? TC_ACT_SHOT
									    : TC_ACT_OK;
}
