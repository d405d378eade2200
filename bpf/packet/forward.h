/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends a packet of a connection on its way: changed, and either through the stack or around it. */
#ifndef EBPF_PROXY_FORWARD_H
#define EBPF_PROXY_FORWARD_H

#include <linux/if_packet.h>

#include "fragment.h"
#include "kept_way.h"
#include "scratch.h"
#include "seen.h"
#include "source.h"
#include "verdict.h"
#include "way.h"

/* Gives a packet the link header of one that is for a device; packets have none where that has
 * none.
 */
static __always_inline bool link_header_fit(struct __sk_buff *skb, const struct packet *packet,
					    const struct device *device)
{
	struct ethhdr header = {.h_proto = (__be16)skb->protocol};
	__u8 any = 0;

	if (packet->has_link)
		return !bpf_skb_store_bytes(skb, 0, device->mac, ETH_ALEN, 0);
	for (int i = 0; i < ETH_ALEN; i++) {
		header.h_dest[i] = device->mac[i];
		any |= device->mac[i];
	}
	return !any || (!bpf_skb_change_head(skb, sizeof(header), 0) &&
			!bpf_skb_store_bytes(skb, 0, &header, sizeof(header), 0));
}

/* Takes the tag off a packet that is to come in by another device than it did. The device that the
 * tag is for has none above it that would take it off, and drops what has one. */
static __always_inline bool vlan_tag_remove(struct __sk_buff *skb, __u32 ifindex)
{
	return !skb->vlan_present || ifindex == skb->ifindex || !bpf_skb_vlan_pop(skb);
}

/* Makes a packet come in by another device: an answer to the node itself by the one that the way to
 * the frontend leads by, or a strict rp_filter drops it. */
static __always_inline int take_in(struct __sk_buff *skb, const struct packet *packet,
				   __u32 ifindex)
{
	const struct device *device = device_at(ifindex);

	/* It is gone: then by the one where the answer is. */
	if (!device)
		ifindex = skb->ifindex;
	else if (!link_header_fit(skb, packet, device) || !vlan_tag_remove(skb, ifindex))
		return drop(skb, REASON_NOT_REWRITABLE);
	return bpf_redirect(ifindex, BPF_F_INGRESS);
}

/* Whether the packet in the scratch, an answer to the node itself, has to come in by another device
 * than it did, or came to be. */
static __always_inline bool is_taken_in(const struct __sk_buff *skb, const struct scratch *scratch,
					const struct connection *connection)
{
	return scratch->found.role == FLOW_RETURN && scratch->found.flags & CONNECTION_FROM_NODE &&
	       (connection->device != skb->ifindex || scratch->packet.key.hook == AT_EGRESS);
}

/* Puts a packet that is changed on another device. The kernel takes a link header off first, and
 * drops what has none. */
static __always_inline int send_by(struct __sk_buff *skb, const struct packet *packet,
				   __u32 ifindex)
{
	if (!packet->has_link && bpf_skb_change_head(skb, ETH_HLEN, 0))
		return drop(skb, REASON_NOT_REWRITABLE);
	return bpf_redirect_neigh(ifindex, NULL, 0, 0);
}

/* What an answer has in tc_index that is what its client is to see: that of a connection straight
 * to a backend looks like one that is not translated yet, of the connection by a service that it
 * was told from, at the next device that it leaves by (a bridge's port behind the bridge). */
#define ANSWER_IS_DONE 0x6b70

static __always_inline bool is_answer_done(const struct __sk_buff *skb)
{
	return skb->tc_index == ANSWER_IS_DONE;
}

/* Whether the packet in the scratch is an answer straight from a backend, whose sender stays. */
static __always_inline bool is_direct_answer(const struct scratch *scratch)
{
	const struct flow_key *before = &scratch->packet.key;
	const struct rewrite *after = &scratch->after;

	return scratch->found.role == FLOW_ANSWER && before->source_port == after->source_port &&
	       address_equal(&before->source, &after->source);
}

/* Changes the packet in the scratch to what it is in its connection. */
__noinline int packet_translate(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	struct connection *connection;
	struct packet *packet;
	struct found *found;
	bool is_done;

	if (!scratch)
		return GO_ON;
	packet = &scratch->packet;
	found = &scratch->found;
	connection = connection_at(found->id);
	if (!connection)
		return drop(skb, REASON_NO_CONNECTION);
	/* No link header fits behind the one that it came in, which the kernel takes off what comes
	 * in again by the same device. */
	if (outer_header_stays && packet->l3 && !packet->has_link &&
	    is_taken_in(skb, scratch, connection))
		return bpf_redirect(skb->ifindex, BPF_F_INGRESS);
	connection_rewrite(connection, found, &packet->key, &scratch->after);
	is_done = is_direct_answer(scratch);
	if (!connection_is_same(connection, found, &scratch->after))
		return drop(skb, REASON_NO_CONNECTION);
	connection_touch(connection, found, packet, scratch->now_ns,
			 connection_bytes(skb, found, packet));
	if (packet->is_first_fragment)
		fragment_remember(packet);
	if (rewrite_packet(skb, packet, &scratch->after))
		return drop(skb, REASON_NOT_REWRITABLE);
	if (is_done)
		skb->tc_index = ANSWER_IS_DONE;
	if (is_taken_in(skb, scratch, connection))
		return take_in(skb, packet, connection->device);
	return GO_ON;
}

/* Drops the packet in the scratch, for whose connection there is no source to mask its client with:
 * it is told as what its client sent. */
static __always_inline int drop_unsourced(struct __sk_buff *skb, struct scratch *scratch,
					  const struct connection *connection, enum reason reason)
{
	struct flow_key *key = &scratch->packet.key;

	scratch->frontend.service = connection->service;
	key->source = connection->client;
	key->source_port = connection->client_port;
	key->destination = connection->frontend;
	key->destination_port = connection->frontend_port;
	tally_refuse(connection->service, reason);
	return drop(skb, reason);
}

/* The packet of the node itself in the scratch: it is on its way to the frontend already, so both
 * its ends are changed and it is sent to where the backend is. A tunnel asks the packet's route
 * where it ends, which bpf_redirect_neigh looks up among those of the device. */
static __always_inline int translate_own(struct __sk_buff *skb, struct scratch *scratch)
{
	struct connection *connection = connection_at(scratch->found.id);
	struct rewrite *ends = &scratch->after;
	int result;

	if (!connection)
		return drop(skb, REASON_NO_CONNECTION);
	ends->source = scratch->packet.key.source;
	ends->source_port = scratch->packet.key.source_port;
	ends->destination = connection->backend;
	ends->destination_port = connection->backend_port;
	scratch->way.device = 0;
	if (!(address_roles(&ends->destination) & ADDRESS_ON_DEVICE)) {
		way_find(skb, ANY_SIZE, 0);
		if (scratch->way.has_encap)
			way_find_tunnel(skb);
		if (!scratch->way.device)
			return drop(skb, REASON_NOT_REWRITABLE);
	}
	result = source_ensure(skb, scratch->way.device);
	if (result != REASON_TRANSLATED)
		return drop_unsourced(skb, scratch, connection, result);
	result = packet_translate(skb);
	if (result != GO_ON)
		return result;
	return scratch->way.device ? send_by(skb, &scratch->packet, scratch->way.device)
				   : take_in(skb, &scratch->packet, skb->ifindex);
}

/* Whether the stack need not see a packet: it is none whose answer is for the stack to give, that
 * it has to take apart or put together, or whose options or extension headers are for it. */
static __always_inline bool is_plain(const struct __sk_buff *skb, const struct packet *packet)
{
	return packet->l4 == packet->l3 + ip_header_length(skb) && packet->kind == KIND_TRANSPORT &&
	       !packet->is_first_fragment && packet->hops > 1 && packet->has_link &&
	       !skb->vlan_present;
}

/* Notes that netfilter sees the packets of a connection from now on. */
static __always_inline void connection_leave_to_stack(struct connection *connection,
						      struct found *found)
{
	connection->goes_around = 0;
	found->goes_around = false;
}

/* Whether the packet in the scratch goes around netfilter. Answers go where the client's packets
 * went last: the client's packet is what brings its connection back to the stack. */
static __always_inline bool goes_around(struct scratch *scratch)
{
	const struct path_state *state = path_state();
	__u32 around = state ? state->goes_around : AROUND_NOTHING;
	struct found *found = &scratch->found;

	if (!found->goes_around)
		return false;
	if (around == AROUND_ALL || found->flags & CONNECTION_BRIDGED)
		return true;
	if (found->role == FLOW_ASK) {
		struct connection *connection = connection_at(found->id);

		if (connection)
			connection_leave_to_stack(connection, found);
		return false;
	}
	return around == AROUND_ANSWERS ||
	       (around == AROUND_TCP_ANSWERS && scratch->packet.key.protocol == IPPROTO_TCP);
}

static __always_inline int hop(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 hops = packet->hops - 1;

	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		/* It has no checksum of its own that would leave the sum over the packet as it is,
		 * which some devices give. */
		return bpf_skb_store_bytes(skb, packet->l3 + offsetof(struct ipv6hdr, hop_limit),
					   &hops, sizeof(hops), BPF_F_RECOMPUTE_CSUM);
	/* It stands in the first byte of its word of the header. */
	return bpf_l3_csum_replace(skb, packet->l3 + offsetof(struct iphdr, check), packet->hops,
				   hops, sizeof(__u16)) ||
	       bpf_skb_store_bytes(skb, packet->l3 + offsetof(struct iphdr, ttl), &hops,
				   sizeof(hops), 0);
}

/* How much of a path a packet needs: where it is many segments in one, as much as one of them. */
static __always_inline __u16 path_size(struct __sk_buff *skb, const struct packet *packet)
{
	__u8 words = sizeof(struct udphdr) << 2; /* of the header, in the upper half */

	if (!skb->gso_size)
		return skb->len - packet->l3;
	if (packet->key.protocol == IPPROTO_TCP &&
	    bpf_skb_load_bytes(skb, packet->l4 + 12, &words, sizeof(words)))
		return 0;
	return packet->l4 - packet->l3 + (words >> 4) * 4 + skb->gso_size;
}

/* Puts a packet on a device: into the pod behind it at once, where it leads to one. There may be a
 * bridge in the pod, with a machine behind it that is found by its MAC address. */
static __always_inline int put_on(struct __sk_buff *skb, const struct way *way)
{
	/* The kernel looks for the route once more: a tunnel that ends where the next hop is takes
	 * that from the packet's route, and has none of a next hop that it is told. */
	if (!way->is_to_pod)
		return bpf_redirect_neigh(way->device, NULL, 0, 0);
	/* A port of a bridge takes for another's what is for the bridge, and the pod would. */
	if (bpf_skb_store_bytes(skb, 0, &way->macs, sizeof(way->macs), 0) ||
	    (skb->pkt_type != PACKET_HOST && bpf_skb_change_type(skb, PACKET_HOST)))
		return drop(skb, REASON_NOT_REWRITABLE);
	return bpf_redirect_peer(way->device, 0);
}

/* Sends the packet in the scratch around the stack, where it may go: both its ends are changed at
 * once. Answers go the way that one from the frontend's address would. GO_ON where it may not, and
 * then nothing is changed. */
__noinline int packet_go_around(struct __sk_buff *skb)
{
	struct scratch *scratch = scratch_get();
	struct connection *connection;
	bool is_masqueraded, is_done;
	const struct way *way;
	struct rewrite *after;
	__u32 size;

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
	size = path_size(skb, &scratch->packet);
	way = way_recall(skb, scratch, size);
	if (!way) {
		way_find(skb, size, 0);
		if (!scratch->way.device) {
			if (scratch->found.role == FLOW_ASK && !scratch->way.is_too_big)
				connection_leave_to_stack(connection, &scratch->found);
			return GO_ON;
		}
		way = way_keep(skb, scratch);
	}
	if (is_masqueraded) {
		if (source_ensure(skb, way->device) != REASON_TRANSLATED)
			return GO_ON;
		after->source = connection->source;
		after->source_port = connection->source_port;
	}
	is_done = is_direct_answer(scratch);
	if (!connection_is_same(connection, &scratch->found, after))
		return drop(skb, REASON_NO_CONNECTION);
	connection_touch(connection, &scratch->found, &scratch->packet, scratch->now_ns,
			 skb->len - scratch->packet.l3);
	if (rewrite_packet(skb, &scratch->packet, after) || hop(skb, &scratch->packet))
		return drop(skb, REASON_NOT_REWRITABLE);
	if (is_done)
		skb->tc_index = ANSWER_IS_DONE;
	return put_on(skb, way);
}

/* Sends an answer that is changed, and leaves by another device than its request came by, the way
 * that one from the frontend's address goes: the stack chose by the backend's, and where the node
 * has several uplinks, rules tell them by the source. */
static __always_inline int answer_way(struct __sk_buff *skb, struct scratch *scratch)
{
	const struct connection *connection = connection_at(scratch->found.id);

	if (!connection || connection->device == skb->ifindex ||
	    scratch->packet.kind != KIND_TRANSPORT)
		return GO_ON;
	way_find(skb, path_size(skb, &scratch->packet), 0);
	if (!scratch->way.device || scratch->way.device == skb->ifindex)
		return GO_ON;
	return send_by(skb, &scratch->packet, scratch->way.device);
}

#endif
