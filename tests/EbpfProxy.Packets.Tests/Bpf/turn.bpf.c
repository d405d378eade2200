// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A service whose external policy turns after a client elsewhere has got its backend, and before it
 * is known whether that sees the client. Says whether it does not (1), or that there is no backend.
 */
#include "../../../bpf/tc.bpf.c"

#define NO_BACKEND 2

static __always_inline void policy_turn(struct traffic *external)
{
	external->verdict = external->verdict == VERDICT_LOCAL ? VERDICT_CLUSTER : VERDICT_LOCAL;
}

SEC("tc")
int turn(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	struct service *service;
	struct packet *packet;
	__u32 roles;

	if (!scratch || packet_parse(skb, ETH_HLEN, AT_INGRESS, true) != KIND_TRANSPORT)
		return NO_BACKEND;
	packet = &scratch->packet;
	roles = address_roles(&packet->key.destination);
	if (!packet_frontend(packet, roles, &scratch->frontend) ||
	    packet_pick(scratch, ORIGIN_FAR) != REASON_TRANSLATED)
		return NO_BACKEND;
	service = (struct service *)service_at(scratch->frontend.service);
	if (!service)
		return NO_BACKEND;
	policy_turn(&service->external);
	return is_masqueraded(&scratch->frontend, SOURCE_ELSEWHERE, &packet->key, &scratch->choice);
}
