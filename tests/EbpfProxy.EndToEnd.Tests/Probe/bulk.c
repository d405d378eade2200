// SPDX-License-Identifier: Apache-2.0
/* More than fits one packet, both ways. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

#define MAX_DATAGRAM 65536
#define CHUNK	     65536

static int send_all(int fd, size_t left)
{
	static const char data[CHUNK];

	while (left > 0) {
		ssize_t sent = send(fd, data, left < CHUNK ? left : CHUNK, 0);

		if (tried("send", (int)sent) < 0)
			return -1;
		left -= (size_t)sent;
	}
	return 0;
}

static int receive_all(int fd, size_t left)
{
	static char data[CHUNK];

	while (left > 0) {
		ssize_t got = recv(fd, data, left < CHUNK ? left : CHUNK, 0);

		if (tried("recv", got > 0 ? 0 : -1) < 0)
			return -1;
		left -= (size_t)got;
	}
	return 0;
}

/* Up, an answer that all has come, down. */
static int bulk_stream(int fd, size_t bytes, char answer[ANSWER_SIZE])
{
	char head[ANSWER_SIZE];
	int length = snprintf(head, sizeof(head), "put %zu\n", bytes);

	if (tried("send", (int)send(fd, head, (size_t)length, 0)) < 0 || send_all(fd, bytes) < 0 ||
	    read_answer(fd, answer) < 0)
		return -1;
	length = snprintf(head, sizeof(head), "get %zu\n", bytes);
	if (tried("send", (int)send(fd, head, (size_t)length, 0)) < 0)
		return -1;
	return receive_all(fd, bytes);
}

/* One datagram, and one of the same size back. The path may have to be learned first. */
static int bulk_datagram(int fd, size_t bytes, char answer[ANSWER_SIZE])
{
	static char text[MAX_DATAGRAM];
	ssize_t got;

	memset(text, '?', bytes);
	text[bytes - 1] = '\n';
	if (tried("send", (int)send(fd, text, bytes, 0)) < 0)
		return -1;
	got = recv(fd, text, sizeof(text), 0);
	if (tried("recv", (int)got) < 0)
		return -1;
	if ((size_t)got != bytes) {
		errno = EMSGSIZE;
		return tried("recv", -1);
	}
	text[strcspn(text, "\n")] = '\0';
	snprintf(answer, ANSWER_SIZE, "%.*s", ANSWER_SIZE - 1, text);
	return 0;
}

int bulk_main(int argc, char **argv)
{
	size_t bytes = argc < 4 ? 0 : (size_t)atol(argv[3]);
	bool is_stream = argc > 0 && !strcmp(argv[0], "tcp");
	char answer[ANSWER_SIZE];
	struct endpoint endpoint;
	int fd;

	if (bytes < 1 || bytes > (is_stream ? 1u << 30 : MAX_DATAGRAM))
		return 2;
	endpoint_parse(&endpoint, strchr(argv[1], ':') ? AF_INET6 : AF_INET, argv[1], argv[2]);
	fd = open_socket(endpoint.address.ss_family, is_stream ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (fd < 0 ||
	    tried("connect", connect(fd, (struct sockaddr *)&endpoint.address, endpoint.length)) <
		    0 ||
	    (is_stream ? bulk_stream : bulk_datagram)(fd, bytes, answer) < 0 ||
	    report_answer(fd, answer) < 0)
		return report_error();
	return 0;
}
