// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a packet of connection 0 in generation 1 does that was found before the connection ended. */
#include "../../../bpf/tc.bpf.c"

SEC("tc")
int late(struct __sk_buff *skb)
{
	struct found found = {.generation = 1, .flags = CONNECTION_MASQUERADE};
	struct packet packet = {.key = {.protocol = IPPROTO_TCP}, .tcp_flags = TCP_RST};
	struct connection *connection = connection_at(0);
	struct scratch *scratch = scratch_get();

	if (!connection || !scratch)
		return TC_ACT_SHOT;
	scratch->found = found;
	connection_touch(connection, &found, &packet, now_ns(), 0);
	return source_ensure(skb, 0) == REASON_TRANSLATED ? TC_ACT_SHOT : TC_ACT_OK;
}
