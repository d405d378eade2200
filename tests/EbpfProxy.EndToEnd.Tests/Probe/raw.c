// SPDX-License-Identifier: Apache-2.0
/* Questions that no connect() or sendto() of a datagram socket takes: by raw sockets, in fragments
 * in the wrong order, and from sources that are nobody's. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

#define FRAGMENT_SIZE 1000
#define MAX_QUESTION  60000
#define FIRST_PORT    40000
#define PORTS	      20000

static int family_of(const char *address)
{
	return strchr(address, ':') ? AF_INET6 : AF_INET;
}

static int local_of(const struct endpoint *to, struct endpoint *local)
{
	/* Another one each time, so that no late answer is taken for this one's. */
	int port = options.source_port ? options.source_port : FIRST_PORT + getpid() % PORTS;

	if (raw_local(to, local) < 0)
		return -1;
	((struct sockaddr_in *)&local->address)->sin_port = htons((in_port_t)port);
	return 0;
}

/* A socket that holds the port and takes the answers. */
static int listen_at(const struct endpoint *local)
{
	struct endpoint any = *local;
	int fd = open_socket(local->address.ss_family, SOCK_DGRAM, 0);

	if (fd < 0 || tried("bind", bind(fd, (struct sockaddr *)&any.address, any.length)) < 0)
		return -1;
	return fd;
}

static int take_answer(int fd)
{
	static char answer[MAX_QUESTION];
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	char text[ADDRESS_TEXT_SIZE];
	ssize_t got = recvfrom(fd, answer, sizeof(answer), 0, (struct sockaddr *)&from, &length);

	if (tried("recvfrom", (int)got) < 0)
		return report_error();
	answer[strcspn(answer, "\n")] = '\0';
	endpoint_format(&from, text);
	printf("answer %.*s peer=%s\n", ANSWER_SIZE, answer, text);
	return 0;
}

/* raw ADDRESS PORT [BYTES]: with BYTES as fragments, the last one first. */
int raw_main(int argc, char **argv)
{
	static struct packet packet, fragment;
	static char question[MAX_QUESTION];
	size_t size = argc > 2 ? (size_t)atol(argv[2]) : 2;
	struct endpoint to, local;
	int listener, sender;

	if (argc < 2 || size < 2 || size > sizeof(question))
		return 2;
	endpoint_parse(&to, family_of(argv[0]), argv[0], argv[1]);
	memset(question, '?', size);
	question[size - 1] = '\n';
	if (local_of(&to, &local) < 0)
		return report_error();
	listener = listen_at(&local);
	sender = raw_sender(to.address.ss_family);
	if (listener < 0 || sender < 0)
		return report_error();
	packet_udp(&packet, &local, &to, question, size);
	if (argc < 3)
		return raw_send(sender, &packet, &to) < 0 ? report_error() : take_answer(listener);
	for (size_t end = packet.length - packet.header; end > 0;) {
		size_t offset = (end - 1) / FRAGMENT_SIZE * FRAGMENT_SIZE;

		packet_fragment(&fragment, &packet, offset, end - offset);
		if (raw_send(sender, &fragment, &to) < 0)
			return report_error();
		end = offset;
	}
	return take_answer(listener);
}

/* spray udp|syn ADDRESS PORT COUNT: each from another source in 192.168.88.128/25 or its like. */
int spray_main(int argc, char **argv)
{
	static struct packet packet;
	struct endpoint to, from;
	long count = argc < 4 ? 0 : atol(argv[3]);
	int sender;

	if (argc < 4)
		return 2;
	endpoint_parse(&to, family_of(argv[1]), argv[1], argv[2]);
	sender = raw_sender(to.address.ss_family);
	if (sender < 0)
		return report_error();
	for (long i = 0; i < count; i++) {
		char address[ADDRESS_TEXT_SIZE], port[16];

		snprintf(address, sizeof(address),
			 to.address.ss_family == AF_INET ? "192.168.88.%ld" : "fd00:88::%lx",
			 128 + i / 60000);
		snprintf(port, sizeof(port), "%ld", 1024 + i % 60000);
		endpoint_parse(&from, to.address.ss_family, address, port);
		if (strcmp(argv[0], "udp"))
			packet_syn(&packet, &from, &to);
		else
			packet_udp(&packet, &from, &to, "?\n", 2);
		if (raw_send(sender, &packet, &to) < 0)
			return report_error();
	}
	printf("sprayed count=%ld\n", count);
	return 0;
}
