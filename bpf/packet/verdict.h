/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes of a packet that is not translated. */
#ifndef EBPF_PROXY_VERDICT_H
#define EBPF_PROXY_VERDICT_H

#include <linux/pkt_cls.h>

#include "budget.h"
#include "refuse.h"
#include "scratch.h"
#include "tally.h"
#include "trace_packet.h"

#define GO_ON TC_ACT_UNSPEC /* to the programs behind this one, and the stack */

static __always_inline int drop(struct __sk_buff *skb, enum reason reason)
{
	count(reason);
	trace_packet(skb, reason);
	return TC_ACT_SHOT;
}

/* Sends a packet that became an answer back to where it came from: out of the device that it came
 * in by, or, if the node itself sent it, in by the device that it would have left by. */
static __always_inline int send_back(struct __sk_buff *skb, const struct packet *packet)
{
	/* Whichever way it goes, the next to look at it is the one whose address is the source now.
	 */
	if (packet->has_link && swap_macs(skb))
		return drop(skb, REASON_NOT_REWRITABLE);
	return bpf_redirect(skb->ifindex, packet->key.hook == AT_INGRESS ? 0 : BPF_F_INGRESS);
}

/* What happens to the packet in the scratch, which gets no backend for a reason. */
__noinline int packet_refuse(struct __sk_buff *skb, __u32 reason)
{
	struct scratch *scratch = scratch_get();
	bool is_reset = reason == REASON_NO_CONNECTION;
	const struct packet *packet;
	int err;

	if (reason == REASON_NONE || !scratch)
		return GO_ON;
	packet = &scratch->packet;
	count(reason);
	tally_refuse(scratch->frontend.service, reason);
	trace_packet(skb, reason);
	if (!is_reset && reason != REASON_NO_ENDPOINT && reason != REASON_UNKNOWN_PORT)
		return TC_ACT_SHOT;
	if (is_reset && packet->tcp_flags & TCP_RST)
		return TC_ACT_SHOT;
	if (!budget_take(refusals_per_second))
		return drop(skb, REASON_REFUSAL_LIMITED);
	err = is_reset ? packet_to_reset(skb, packet) : packet_to_unreachable(skb, packet);
	return err ? drop(skb, REASON_NOT_REWRITABLE) : send_back(skb, packet);
}

#endif
