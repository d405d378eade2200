/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends a packet of a connection on its way: changed, and either through the stack or around it. */
#ifndef EBPF_PROXY_FORWARD_H
#define EBPF_PROXY_FORWARD_H

#include "fragment.h"
#include "scratch.h"
#include "source.h"
#include "verdict.h"

#define AF_INET	 2
#define AF_INET6 10

/* Makes a packet come in by another device: an answer to the node itself by the one that the way to
 * the frontend leads by, or a strict rp_filter drops it. */
static __always_inline int take_in(struct __sk_buff *skb, const struct packet *packet,
				   __u32 ifindex)
{
	const struct device *device = device_at(ifindex);

	if (packet->l3 && device && bpf_skb_store_bytes(skb, 0, device->mac, ETH_ALEN, 0))
		return drop(REASON_NOT_REWRITABLE);
	return bpf_redirect(ifindex, BPF_F_INGRESS);
}

/* Changes the packet in the scratch to what it is in its connection. */
__noinline int packet_translate(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	struct connection *connection;
	struct packet *packet;
	struct found *found;

	if (!scratch)
		return GO_ON;
	packet = &scratch->packet;
	found = &scratch->found;
	connection = connection_at(found->id);
	if (!connection)
		return drop(REASON_NO_CONNECTION);
	connection_rewrite(connection, found, &packet->key, &scratch->after);
	if (!connection_is_same(connection, found))
		return drop(REASON_NO_CONNECTION);
	connection_touch(connection, found, packet, scratch->now_ns);
	if (packet->is_first_fragment)
		fragment_remember(packet);
	if (rewrite_packet(skb, packet, &scratch->after))
		return drop(REASON_NOT_REWRITABLE);
	if (found->role == FLOW_RETURN && found->flags & CONNECTION_FROM_NODE &&
	    (connection->device != skb->ifindex || packet->key.hook == AT_EGRESS))
		return take_in(skb, packet, connection->device);
	return GO_ON;
}

/* The device by which the node sends what has these addresses; 0 where it does not forward it, or
 * is the receiver itself. A packet that does not fit the device is not sent either. */
static __noinline __u32 device_to(struct __sk_buff *skb, const struct address *source,
				  const struct address *destination)
{
	struct bpf_fib_lookup route = {.ifindex = skb->ifindex};
	long result;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		route.family = AF_INET;
		route.ipv4_src = source->word[3];
		route.ipv4_dst = destination->word[3];
	} else {
		route.family = AF_INET6;
		__builtin_memcpy(route.ipv6_src, source, sizeof(*source));
		__builtin_memcpy(route.ipv6_dst, destination, sizeof(*destination));
	}
	result = bpf_fib_lookup(skb, &route, sizeof(route), 0);
	return result == BPF_FIB_LKUP_RET_SUCCESS || result == BPF_FIB_LKUP_RET_NO_NEIGH
		       ? route.ifindex
		       : 0;
}

/* The packet of the node itself in the scratch: it is on its way to the frontend already, so both
 * its ends are changed and it is sent to where the backend is. */
static __always_inline int translate_own(struct __sk_buff *skb, struct scratch *scratch)
{
	struct connection *connection = connection_at(scratch->found.id);
	__u32 device;
	int result;

	if (!connection)
		return drop(REASON_NO_CONNECTION);
	scratch->after.destination = connection->backend;
	device = 0;
	if (!(address_roles(&scratch->after.destination) & ADDRESS_ON_DEVICE)) {
		device = device_to(skb, &scratch->packet.key.source, &scratch->after.destination);
		if (!device)
			return drop(REASON_NOT_REWRITABLE);
	}
	result = source_ensure(skb, device);
	if (result != REASON_TRANSLATED)
		return drop(result);
	result = packet_translate(skb);
	if (result != GO_ON)
		return result;
	return device ? bpf_redirect_neigh(device, NULL, 0, 0)
		      : take_in(skb, &scratch->packet, skb->ifindex);
}

/* Whether a packet may go around the stack: not one whose answer is for the stack to give, or that
 * it has to take apart or put together. */
static __always_inline bool may_go_around(const struct __sk_buff *skb, const struct packet *packet)
{
	const struct path_state *state = path_state();

	return state && state->goes_around && packet->kind == KIND_TRANSPORT &&
	       !packet->is_first_fragment && packet->hops > 1 && !skb->vlan_present;
}

static __always_inline int hop(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 hops = packet->hops - 1;

	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return bpf_skb_store_bytes(skb, packet->l3 + offsetof(struct ipv6hdr, hop_limit),
					   &hops, sizeof(hops), 0);
	/* It stands in the first byte of its word of the header. */
	return bpf_l3_csum_replace(skb, packet->l3 + offsetof(struct iphdr, check), packet->hops,
				   hops, sizeof(__u16)) ||
	       bpf_skb_store_bytes(skb, packet->l3 + offsetof(struct iphdr, ttl), &hops,
				   sizeof(hops), 0);
}

/* Puts a packet on a device: into the pod behind it at once, where it leads to one. */
static __always_inline int put_on(__u32 ifindex)
{
	const struct device *device = device_at(ifindex);

	return device && device->flags & DEVICE_HAS_PEER ? bpf_redirect_peer(ifindex, 0)
							 : bpf_redirect_neigh(ifindex, NULL, 0, 0);
}

/* Sends the packet in the scratch around the stack, where it may go: both its ends are changed at
 * once. Answers go the way that one from the frontend's address would. GO_ON where it may not, and
 * then nothing is changed. */
__noinline int packet_go_around(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	struct connection *connection;
	struct rewrite *after;
	bool is_masqueraded;
	__u32 device;

	if (!scratch)
		return GO_ON;
	connection = connection_at(scratch->found.id);
	if (!connection)
		return GO_ON;
	after = &scratch->after;
	is_masqueraded = false;
	if (scratch->found.role == FLOW_ASK) {
		is_masqueraded = scratch->found.flags & CONNECTION_MASQUERADE;
		after->source = connection->client;
		after->source_port = connection->inner_port;
		after->destination = connection->backend;
		after->destination_port = connection->backend_port;
	} else {
		after->source = connection->frontend;
		after->source_port = connection->frontend_port;
		after->destination = connection->client;
		after->destination_port = connection->client_port;
	}
	device = device_to(skb, &after->source, &after->destination);
	if (!device || (is_masqueraded && source_ensure(skb, device) != REASON_TRANSLATED))
		return GO_ON;
	if (is_masqueraded) {
		after->source = connection->source;
		after->source_port = connection->source_port;
	}
	if (!connection_is_same(connection, &scratch->found))
		return drop(REASON_NO_CONNECTION);
	connection_touch(connection, &scratch->found, &scratch->packet, scratch->now_ns);
	if (!(connection->flags & CONNECTION_GOES_AROUND))
		connection->flags |= CONNECTION_GOES_AROUND;
	if (rewrite_packet(skb, &scratch->packet, after) || hop(skb, &scratch->packet))
		return drop(REASON_NOT_REWRITABLE);
	return put_on(device);
}

#endif
