// SPDX-License-Identifier: Apache-2.0
/* One question to one service, in each way that a program can ask it. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

struct targets {
	struct endpoint first;
	struct endpoint second;
	bool has_second;
};

struct row {
	const char *name;
	int socket_family;
	int address_family;
	int type;
	int protocol;
	int (*ask)(int fd, const struct targets *targets);
};

static const struct sockaddr *sockaddr_of(const struct endpoint *endpoint)
{
	return (const struct sockaddr *)&endpoint->address;
}

static int connect_and_ask(int fd, const struct endpoint *endpoint, int times)
{
	char answer[ANSWER_SIZE];

	if (tried("connect", connect(fd, sockaddr_of(endpoint), endpoint->length)) < 0)
		return -1;
	for (int i = 0; i < times; i++) {
		if (ask(fd, answer) < 0 || report_answer(fd, answer) < 0)
			return -1;
	}
	return 0;
}

static int ask_connected(int fd, const struct targets *targets)
{
	return connect_and_ask(fd, &targets->first, 3);
}

/* Three answers, so that the second and third come over what the first one left behind. */
static int ask_datagrams(int fd, const struct targets *targets)
{
	const struct endpoint *endpoints[] = {&targets->first, &targets->second};

	for (int i = 0; i < (targets->has_second ? 2 : 3); i++) {
		if (ask_to(fd, endpoints[targets->has_second ? i : 0]) < 0)
			return -1;
	}
	return 0;
}

static int ask_again(int fd, const struct targets *targets)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	if (connect_and_ask(fd, &targets->first, 1) < 0)
		return -1;
	if (tried("disconnect", connect(fd, &nowhere, sizeof(nowhere))) < 0)
		return -1;
	return connect_and_ask(fd, targets->has_second ? &targets->second : &targets->first, 1);
}

/* Fast Open by a socket option: connect() says yes at once, the first write takes the handshake
 * along. */
static int ask_fastopen_connect(int fd, const struct targets *targets)
{
	int on = 1;

	if (tried("setsockopt",
		  setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on))) < 0)
		return -1;
	return connect_and_ask(fd, &targets->first, 3);
}

/* Fast Open by a flag: there is no connect() at all. */
static int ask_fastopen_sendto(int fd, const struct targets *targets)
{
	const struct endpoint *to = &targets->first;
	char answer[ANSWER_SIZE];

	if (tried("sendto", (int)sendto(fd, "?\n", 2, MSG_FASTOPEN, sockaddr_of(to), to->length)) <
		    0 ||
	    read_answer(fd, answer) < 0)
		return -1;
	return report_answer(fd, answer);
}

static int ask_uring(int fd, const struct targets *targets)
{
	char answer[ANSWER_SIZE];

	if (!uring_is_available()) {
		puts("unsupported what=io_uring");
		return 0;
	}
	if (uring_ask(fd, &targets->first, answer) < 0)
		return -1;
	return report_answer(fd, answer);
}

/* Whether an unconnected sender hears of a refusal at once. */
static int send_datagram(int fd, const struct targets *targets)
{
	const struct endpoint *to = &targets->first;

	if (tried("sendto", (int)sendto(fd, "?\n", 2, 0, sockaddr_of(to), to->length)) < 0)
		return -1;
	puts("sent");
	return 0;
}

static const struct row rows[] = {
	{"tcp4", AF_INET, AF_INET, SOCK_STREAM, 0, ask_connected},
	{"tcp6", AF_INET6, AF_INET6, SOCK_STREAM, 0, ask_connected},
	{"udp4-connect", AF_INET, AF_INET, SOCK_DGRAM, 0, ask_connected},
	{"udp6-connect", AF_INET6, AF_INET6, SOCK_DGRAM, 0, ask_connected},
	{"udp6-connect-inet", AF_INET6, AF_INET, SOCK_DGRAM, 0, ask_connected},
	{"udp4-sendto", AF_INET, AF_INET, SOCK_DGRAM, 0, ask_datagrams},
	{"udp6-sendto", AF_INET6, AF_INET6, SOCK_DGRAM, 0, ask_datagrams},
	{"udp6-sendto-inet", AF_INET6, AF_INET, SOCK_DGRAM, 0, ask_datagrams},
	{"udp4-send-only", AF_INET, AF_INET, SOCK_DGRAM, 0, send_datagram},
	{"udp6-send-only", AF_INET6, AF_INET6, SOCK_DGRAM, 0, send_datagram},
	{"tcp4-again", AF_INET, AF_INET, SOCK_STREAM, 0, ask_again},
	{"tcp6-again", AF_INET6, AF_INET6, SOCK_STREAM, 0, ask_again},
	{"udp4-again", AF_INET, AF_INET, SOCK_DGRAM, 0, ask_again},
	{"udp6-again", AF_INET6, AF_INET6, SOCK_DGRAM, 0, ask_again},
	{"tcp4-fastopen-connect", AF_INET, AF_INET, SOCK_STREAM, 0, ask_fastopen_connect},
	{"tcp6-fastopen-connect", AF_INET6, AF_INET6, SOCK_STREAM, 0, ask_fastopen_connect},
	{"tcp4-fastopen-sendto", AF_INET, AF_INET, SOCK_STREAM, 0, ask_fastopen_sendto},
	{"tcp6-fastopen-sendto", AF_INET6, AF_INET6, SOCK_STREAM, 0, ask_fastopen_sendto},
	{"tcp4-uring", AF_INET, AF_INET, SOCK_STREAM, 0, ask_uring},
	{"tcp6-uring", AF_INET6, AF_INET6, SOCK_STREAM, 0, ask_uring},
	{"udp4-uring", AF_INET, AF_INET, SOCK_DGRAM, 0, ask_uring},
	{"udplite4", AF_INET, AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE, ask_connected},
	{"udplite6", AF_INET6, AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE, ask_connected},
	{"mptcp4", AF_INET, AF_INET, SOCK_STREAM, IPPROTO_MPTCP, ask_connected},
	{"mptcp6", AF_INET6, AF_INET6, SOCK_STREAM, IPPROTO_MPTCP, ask_connected},
};

static int ask_row(const struct row *row, int argc, char **argv)
{
	struct targets targets = {.has_second = argc >= 5};
	int fd = open_socket(row->socket_family, row->type, row->protocol);
	int result;

	endpoint_parse(&targets.first, row->address_family, argv[1], argv[2]);
	if (targets.has_second)
		endpoint_parse(&targets.second, row->address_family, argv[3], argv[4]);
	if (fd < 0 && (errno == EPROTONOSUPPORT || errno == ENOPROTOOPT)) {
		printf("unsupported what=%s\n", row->name);
		return 0;
	}
	if (fd < 0)
		return report_error();
	result = row->ask(fd, &targets) < 0 ? report_error() : 0;
	close_now(fd);
	return result;
}

int ask_main(int argc, char **argv)
{
	for (size_t i = 0; argc >= 3 && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!strcmp(argv[0], rows[i].name))
			return ask_row(&rows[i], argc, argv);
	}
	fprintf(stderr, "no such row, or no address\n");
	return 2;
}

/* One unconnected socket asks all, then takes the answers as they come: each must show whom it is
 * from. */
int many_main(int argc, char **argv)
{
	int family = argc > 0 && !strcmp(argv[0], "6") ? AF_INET6 : AF_INET;
	int fd = open_socket(family, SOCK_DGRAM, 0);

	for (int i = 1; i + 1 < argc; i += 2) {
		struct endpoint to;

		endpoint_parse(&to, family, argv[i], argv[i + 1]);
		if (tried("sendto", (int)sendto(fd, "?\n", 2, 0, sockaddr_of(&to), to.length)) < 0)
			return report_error();
	}
	for (int i = 1; i + 1 < argc; i += 2) {
		struct sockaddr_storage from;
		socklen_t length = sizeof(from);
		char answer[ANSWER_SIZE], text[ADDRESS_TEXT_SIZE];
		ssize_t got =
			recvfrom(fd, answer, sizeof(answer), 0, (struct sockaddr *)&from, &length);

		if (tried("recvfrom", (int)got) < 0)
			return report_error();
		answer[got - 1] = '\0';
		endpoint_format(&from, text);
		printf("answer %s peer=%s\n", answer, text);
	}
	return 0;
}
