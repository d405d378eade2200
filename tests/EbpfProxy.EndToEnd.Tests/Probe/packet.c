// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

static uint32_t sum(uint32_t start, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < length; i++)
		start += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return start;
}

static uint16_t folded(uint32_t value)
{
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return htons((uint16_t)~value);
}

static in_port_t port_of(const struct endpoint *endpoint)
{
	return ((const struct sockaddr_in *)&endpoint->address)->sin_port;
}

static const void *address_of(const struct endpoint *endpoint)
{
	return endpoint->address.ss_family == AF_INET
		       ? (const void *)&((const struct sockaddr_in *)&endpoint->address)->sin_addr
		       : (const void *)&((const struct sockaddr_in6 *)&endpoint->address)
				 ->sin6_addr;
}

static size_t address_size(const struct endpoint *endpoint)
{
	return endpoint->address.ss_family == AF_INET ? 4 : 16;
}

static void add_ipv4(struct packet *packet, const struct endpoint *from, const struct endpoint *to,
		     uint8_t protocol, size_t length)
{
	struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = protocol};

	ip.tot_len = htons((uint16_t)(sizeof(ip) + length));
	ip.id = port_of(from);
	memcpy(&ip.saddr, address_of(from), 4);
	memcpy(&ip.daddr, address_of(to), 4);
	ip.check = folded(sum(0, &ip, sizeof(ip)));
	memcpy(packet->bytes, &ip, sizeof(ip));
	packet->header = sizeof(ip);
}

static void add_ipv6(struct packet *packet, const struct endpoint *from, const struct endpoint *to,
		     uint8_t protocol, size_t length)
{
	struct ip6_hdr ip = {.ip6_flow = htonl(6u << 28), .ip6_nxt = protocol, .ip6_hlim = 64};

	ip.ip6_plen = htons((uint16_t)length);
	memcpy(&ip.ip6_src, address_of(from), 16);
	memcpy(&ip.ip6_dst, address_of(to), 16);
	memcpy(packet->bytes, &ip, sizeof(ip));
	packet->header = sizeof(ip);
}

static void add_ip(struct packet *packet, const struct endpoint *from, const struct endpoint *to,
		   uint8_t protocol, size_t length)
{
	if (to->address.ss_family == AF_INET)
		add_ipv4(packet, from, to, protocol, length);
	else
		add_ipv6(packet, from, to, protocol, length);
	packet->length = packet->header + length;
}

static uint32_t pseudo_sum(const struct endpoint *from, const struct endpoint *to, uint8_t protocol,
			   size_t length)
{
	uint32_t value = sum(0, address_of(from), address_size(from));

	value = sum(value, address_of(to), address_size(to));
	return value + protocol + (uint32_t)length;
}

void packet_udp(struct packet *packet, const struct endpoint *from, const struct endpoint *to,
		const void *payload, size_t length)
{
	size_t all = sizeof(struct udphdr) + length;
	struct udphdr udp = {.source = port_of(from), .dest = port_of(to)};
	uint32_t value;

	udp.len = htons((uint16_t)all);
	add_ip(packet, from, to, IPPROTO_UDP, all);
	value = sum(pseudo_sum(from, to, IPPROTO_UDP, all), &udp, sizeof(udp));
	udp.check = folded(sum(value, payload, length));
	memcpy(packet->bytes + packet->header, &udp, sizeof(udp));
	memcpy(packet->bytes + packet->header + sizeof(udp), payload, length);
}

void packet_syn(struct packet *packet, const struct endpoint *from, const struct endpoint *to)
{
	struct tcphdr tcp = {.source = port_of(from), .dest = port_of(to), .doff = 5, .syn = 1};
	uint32_t value;

	tcp.seq = htonl(0x1000);
	tcp.window = htons(1000);
	add_ip(packet, from, to, IPPROTO_TCP, sizeof(tcp));
	value = pseudo_sum(from, to, IPPROTO_TCP, sizeof(tcp));
	tcp.check = folded(sum(value, &tcp, sizeof(tcp)));
	memcpy(packet->bytes + packet->header, &tcp, sizeof(tcp));
}

static void fragment_ipv4(struct packet *fragment, const struct packet *whole, size_t offset,
			  size_t length)
{
	struct iphdr *ip = (struct iphdr *)fragment->bytes;
	bool more = whole->header + offset + length < whole->length;

	memcpy(ip, whole->bytes, whole->header);
	ip->tot_len = htons((uint16_t)(whole->header + length));
	ip->frag_off = htons((uint16_t)(offset / 8 | (more ? IP_MF : 0)));
	ip->check = 0;
	ip->check = folded(sum(0, ip, sizeof(*ip)));
	fragment->header = whole->header;
}

static void fragment_ipv6(struct packet *fragment, const struct packet *whole, size_t offset,
			  size_t length)
{
	struct ip6_hdr *ip = (struct ip6_hdr *)fragment->bytes;
	struct ip6_frag *part = (struct ip6_frag *)(ip + 1);
	bool more = whole->header + offset + length < whole->length;

	memcpy(ip, whole->bytes, whole->header);
	*part = (struct ip6_frag){
		.ip6f_nxt = ip->ip6_nxt,
	};
	memcpy(&part->ip6f_ident, whole->bytes + whole->header, sizeof(part->ip6f_ident));
	part->ip6f_offlg = htons((uint16_t)(offset | (more ? 1 : 0)));
	ip->ip6_nxt = IPPROTO_FRAGMENT;
	ip->ip6_plen = htons((uint16_t)(sizeof(*part) + length));
	fragment->header = whole->header + sizeof(*part);
}

void packet_fragment(struct packet *fragment, const struct packet *whole, size_t offset,
		     size_t length)
{
	if (whole->bytes[0] >> 4 == 4)
		fragment_ipv4(fragment, whole, offset, length);
	else
		fragment_ipv6(fragment, whole, offset, length);
	memcpy(fragment->bytes + fragment->header, whole->bytes + whole->header + offset, length);
	fragment->length = fragment->header + length;
}

int raw_sender(int family)
{
	int fd = tried("socket", socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
	int size = 8 << 20;

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

int raw_send(int fd, const struct packet *packet, const struct endpoint *to)
{
	struct endpoint without_port = *to;

	/* In IPv6 a raw socket takes the port for a protocol. */
	((struct sockaddr_in *)&without_port.address)->sin_port = 0;
	return tried("sendto",
		     (int)sendto(fd, packet->bytes, packet->length, 0,
				 (struct sockaddr *)&without_port.address, without_port.length));
}

int raw_local(const struct endpoint *to, struct endpoint *local)
{
	int fd = open_socket(to->address.ss_family, SOCK_RAW, IPPROTO_UDP);
	int result = fd;

	local->length = sizeof(local->address);
	if (result >= 0)
		result = tried("connect",
			       connect(fd, (const struct sockaddr *)&to->address, to->length));
	if (result >= 0)
		result = tried("getsockname",
			       getsockname(fd, (struct sockaddr *)&local->address, &local->length));
	if (fd >= 0)
		close(fd);
	return result;
}
