// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Claims one and the same row that answers come by, for the connection that the mark names. */
#include "../../../bpf/tc.bpf.c"

SEC("tc")
int claim(struct __sk_buff *skb)
{
	struct flow flow = {.connection = skb->mark, .generation = 1, .role = FLOW_RETURN};
	struct flow_key key = {.protocol = IPPROTO_UDP, .hook = AT_INGRESS};
	struct scratch *scratch = scratch_get();

	if (!scratch)
		return TC_ACT_SHOT;
	scratch->has_ended = false;
	return flow_claim(scratch, &key, &flow) ? TC_ACT_OK : TC_ACT_SHOT;
}
