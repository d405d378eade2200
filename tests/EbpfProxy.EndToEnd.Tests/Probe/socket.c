// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "probe.h"

struct options options;
_Thread_local const char *failed_call = "";

void endpoint_parse(struct endpoint *endpoint, int family, const char *address, const char *port)
{
	in_port_t number = htons((in_port_t)atoi(port));
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&endpoint->address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&endpoint->address;
	char mapped[ADDRESS_TEXT_SIZE];
	bool ok;

	memset(endpoint, 0, sizeof(*endpoint));
	if (family == AF_INET) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = number;
		endpoint->length = sizeof(*ipv4);
		ok = inet_pton(AF_INET, address, &ipv4->sin_addr) == 1;
	} else {
		snprintf(mapped, sizeof(mapped), "%s%s",
			 strchr(address, ':') ? "" : "::ffff:", address);
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = number;
		endpoint->length = sizeof(*ipv6);
		ok = inet_pton(AF_INET6, mapped, &ipv6->sin6_addr) == 1;
	}
	if (!ok) {
		fprintf(stderr, "%s is not an address\n", address);
		exit(2);
	}
}

void endpoint_format(const struct sockaddr_storage *address, char text[ADDRESS_TEXT_SIZE])
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;
	char name[INET6_ADDRSTRLEN];

	if (address->ss_family == AF_INET) {
		inet_ntop(AF_INET, &ipv4->sin_addr, name, sizeof(name));
		snprintf(text, ADDRESS_TEXT_SIZE, "%s:%d", name, ntohs(ipv4->sin_port));
	} else if (IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr)) {
		inet_ntop(AF_INET, &ipv6->sin6_addr.s6_addr[12], name, sizeof(name));
		snprintf(text, ADDRESS_TEXT_SIZE, "mapped:%s:%d", name, ntohs(ipv6->sin6_port));
	} else {
		inet_ntop(AF_INET6, &ipv6->sin6_addr, name, sizeof(name));
		snprintf(text, ADDRESS_TEXT_SIZE, "[%s]:%d", name, ntohs(ipv6->sin6_port));
	}
}

const char *errno_name(int error)
{
	const char *name = strerrorname_np(error);

	return name ? name : "unknown";
}

int report_error(void)
{
	printf("error call=%s errno=%s\n", failed_call, errno_name(errno));
	return 1;
}

int tried(const char *call, int result)
{
	if (result < 0)
		failed_call = call;
	return result;
}

/* A port that a connection just left can be taken at once. */
static int bind_source(int fd, int family)
{
	const char *any = family == AF_INET ? "0.0.0.0" : "::";
	struct endpoint own;
	char port[8];
	int on = 1;

	snprintf(port, sizeof(port), "%d", options.source_port);
	endpoint_parse(&own, family, options.source ? options.source : any, port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return tried("bind", bind(fd, (struct sockaddr *)&own.address, own.length));
}

int open_socket(int family, int type, int protocol)
{
	long wait_ms = options.wait_ms ? options.wait_ms : ANSWER_SECONDS * 1000;
	struct timeval limit = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
	int fd = tried("socket", socket(family, type | SOCK_CLOEXEC, protocol));

	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if ((options.source || options.source_port) && type != SOCK_RAW &&
	    bind_source(fd, family) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void raise_file_limit(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

void close_now(int fd)
{
	struct linger reset = {.l_onoff = 1};
	int error = errno;

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	errno = error;
}

int read_answer(int fd, char answer[ANSWER_SIZE])
{
	size_t length = 0;

	while (length < ANSWER_SIZE - 1) {
		ssize_t got = recv(fd, answer + length, ANSWER_SIZE - 1 - length, 0);

		if (got < 0)
			return tried("recv", -1);
		if (got == 0) {
			errno = ECONNRESET;
			return tried("recv", -1);
		}
		length += (size_t)got;
		if (answer[length - 1] == '\n')
			break;
	}
	answer[length - 1] = '\0';
	return 0;
}

int ask(int fd, char answer[ANSWER_SIZE])
{
	if (tried("send", (int)send(fd, "?\n", 2, 0)) < 0)
		return -1;
	return read_answer(fd, answer);
}

int report_answer(int fd, const char *answer)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	char text[ADDRESS_TEXT_SIZE];

	if (tried("getpeername", getpeername(fd, (struct sockaddr *)&peer, &length)) < 0)
		return -1;
	endpoint_format(&peer, text);
	printf("answer %s peer=%s\n", answer, text);
	return 0;
}

int ask_to(int fd, const struct endpoint *to)
{
	struct sockaddr_storage from;
	socklen_t length = sizeof(from);
	char answer[ANSWER_SIZE], text[ADDRESS_TEXT_SIZE];
	ssize_t got;

	if (tried("sendto", (int)sendto(fd, "?\n", 2, 0, (const struct sockaddr *)&to->address,
					to->length)) < 0)
		return -1;
	got = recvfrom(fd, answer, sizeof(answer), 0, (struct sockaddr *)&from, &length);
	if (tried("recvfrom", (int)got) < 0)
		return -1;
	answer[got - 1] = '\0';
	endpoint_format(&from, text);
	printf("answer %s peer=%s\n", answer, text);
	return 0;
}

int visit(const struct endpoint *endpoint, int type, char answer[ANSWER_SIZE])
{
	const struct sockaddr *address = (const struct sockaddr *)&endpoint->address;
	int fd = open_socket(endpoint->address.ss_family, type, 0);
	int result;

	if (fd < 0)
		return -1;
	result = tried("connect", connect(fd, address, endpoint->length));
	if (result == 0)
		result = ask(fd, answer);
	/* A socket of UDP moves in the kernel's table when it connects, and who looks for another
	 * there at that moment may miss it: one datagram in a million is refused by a port that is
	 * open. Where it is not, the same socket is refused again. */
	if (result < 0 && type == SOCK_DGRAM && errno == ECONNREFUSED &&
	    !strcmp(failed_call, "recv"))
		result = ask(fd, answer);
	close_now(fd);
	return result;
}
