/* SPDX-License-Identifier: Apache-2.0 */
/* Packets made by hand, of either family: what raw sockets send. */
#ifndef RAW_H
#define RAW_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "probe.h"

#define RAW_PACKET_SIZE 65536

/* One packet with its IP header, as it is put together. */
struct packet {
	unsigned char bytes[RAW_PACKET_SIZE];
	size_t length;
	size_t header; /* of IP */
};

/* A UDP datagram or TCP SYN between two endpoints of one family, checksums and all. */
void packet_udp(struct packet *packet, const struct endpoint *from, const struct endpoint *to,
		const void *payload, size_t length);
void packet_syn(struct packet *packet, const struct endpoint *from, const struct endpoint *to);
/* Cuts out a fragment: `length` bytes of the payload from `offset` on. */
void packet_fragment(struct packet *fragment, const struct packet *whole, size_t offset,
		     size_t length);
/* A socket that sends such packets, and the sending. */
int raw_sender(int family);
int raw_send(int fd, const struct packet *packet, const struct endpoint *to);
/* The address that packets to `to` have as their source. */
int raw_local(const struct endpoint *to, struct endpoint *local);

#endif
