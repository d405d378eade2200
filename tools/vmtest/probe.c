// SPDX-License-Identifier: Apache-2.0
// A server and a client of one line, for a guest that has no others.
//
//   probe serve NAME PORT...
//     TCP and UDP, both families: answers NAME.
//   probe ask HOW ADDRESS PORT COUNT
//     Prints "ANSWER from PEER" or the error's name, one line each time.
//   probe load ADDRESS PORT SEEN END ANSWER...
//     Connects until the file END is there; makes the file SEEN once it has begun. Prints how
//     often; fails at the first error, or answer that is not among these.
//
// HOW is tcp, udp (connected) or sendto (not connected). PEER is getpeername's, for sendto the
// address that the answer came from. An IPv4 ADDRESS may be written ::ffff:a.b.c.d: then the socket
// is an IPv6 one.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_PORTS 8

// Emulation is slow; what takes longer than this is lost.
static const struct timeval patience = {.tv_sec = 30};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static socklen_t parse(const char *text, const char *port, struct sockaddr_storage *address)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(atoi(port));
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		die(text);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(atoi(port));
	return sizeof(*v6);
}

static const char *show(const struct sockaddr_storage *address)
{
	static char text[INET6_ADDRSTRLEN + 8];
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	char name[INET6_ADDRSTRLEN];

	if (address->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, name, sizeof(name));
		snprintf(text, sizeof(text), "%s:%d", name, ntohs(v4->sin_port));
	} else {
		inet_ntop(AF_INET6, &v6->sin6_addr, name, sizeof(name));
		snprintf(text, sizeof(text), "[%s]:%d", name, ntohs(v6->sin6_port));
	}
	return text;
}

static int listener(int type, const char *port)
{
	struct sockaddr_storage any;
	socklen_t length = parse("::", port, &any);
	int fd = socket(AF_INET6, type, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&any, length) || (type == SOCK_STREAM && listen(fd, 128)))
		die("listen");
	return fd;
}

static void answer_stream(int listening, const char *name)
{
	int fd = accept(listening, NULL, NULL);

	if (fd < 0)
		return;
	if (send(fd, name, strlen(name), MSG_NOSIGNAL) < 0)
		perror("answer");
	close(fd);
}

static void answer_datagram(int fd, const char *name)
{
	struct sockaddr_storage client;
	socklen_t length = sizeof(client);
	char request[64];

	if (recvfrom(fd, request, sizeof(request), 0, (struct sockaddr *)&client, &length) < 0 ||
	    sendto(fd, name, strlen(name), 0, (struct sockaddr *)&client, length) < 0)
		perror("answer");
}

static int serve(const char *name, char **ports, int count)
{
	struct pollfd ready[2 * MAX_PORTS];

	for (int i = 0; i < 2 * count; i++) {
		ready[i].fd = listener(i % 2 ? SOCK_DGRAM : SOCK_STREAM, ports[i / 2]);
		ready[i].events = POLLIN;
	}
	while (poll(ready, 2 * count, -1) >= 0) {
		for (int i = 0; i < 2 * count; i++) {
			if (ready[i].revents)
				(i % 2 ? answer_datagram : answer_stream)(ready[i].fd, name);
		}
	}
	return 1;
}

// Leaves the answer and who it is from; returns false with errno where there is none.
static int exchange(int fd, const char *how, const struct sockaddr_storage *to, socklen_t length,
		    char answer[64], struct sockaddr_storage *from)
{
	socklen_t from_length = sizeof(*from);
	ssize_t got;

	if (!strcmp(how, "sendto")) {
		if (sendto(fd, "?", 1, 0, (const struct sockaddr *)to, length) < 0)
			return 0;
		got = recvfrom(fd, answer, 63, 0, (struct sockaddr *)from, &from_length);
	} else {
		if (connect(fd, (const struct sockaddr *)to, length) ||
		    (!strcmp(how, "udp") && send(fd, "?", 1, 0) < 0))
			return 0;
		got = recv(fd, answer, 63, 0);
		if (got >= 0 && getpeername(fd, (struct sockaddr *)from, &from_length))
			return 0;
	}
	if (got < 0)
		return 0;
	answer[got] = 0;
	return 1;
}

static int ask(const char *how, const struct sockaddr_storage *to, socklen_t length,
	       char answer[64], struct sockaddr_storage *from)
{
	// Closed by a reset: thousands of connections leave no port behind.
	struct linger reset = {.l_onoff = 1};
	int fd = socket(to->ss_family, strcmp(how, "tcp") ? SOCK_DGRAM : SOCK_STREAM, 0);
	int done, error;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
		die("socket");
	done = exchange(fd, how, to, length, answer, from);
	error = errno;
	close(fd);
	errno = error;
	return done;
}

static int ask_often(const char *how, const char *address, const char *port, int count)
{
	struct sockaddr_storage to, from;
	socklen_t length = parse(address, port, &to);
	char answer[64];

	while (count-- > 0) {
		if (ask(how, &to, length, answer, &from))
			printf("%s from %s\n", answer, show(&from));
		else
			printf("%s\n", strerrorname_np(errno));
	}
	return 0;
}

static int is_among(const char *answer, char **answers)
{
	for (; *answers; answers++) {
		if (!strcmp(answer, *answers))
			return 1;
	}
	return 0;
}

static int load(const char *address, const char *port, const char *seen, const char *end,
		char **answers)
{
	struct sockaddr_storage to, from;
	socklen_t length = parse(address, port, &to);
	char answer[64];
	int count = 0;

	while (access(end, F_OK)) {
		if (!ask("tcp", &to, length, answer, &from)) {
			printf("%s after %d connections\n", strerrorname_np(errno), count);
			return 1;
		}
		if (!is_among(answer, answers)) {
			printf("\"%s\" after %d connections\n", answer, count);
			return 1;
		}
		if (count++ == 0)
			fclose(fopen(seen, "w"));
	}
	printf("%d connections\n", count);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && argc <= 3 + MAX_PORTS && !strcmp(argv[1], "serve"))
		return serve(argv[2], argv + 3, argc - 3);
	if (argc == 6 && !strcmp(argv[1], "ask"))
		return ask_often(argv[2], argv[3], argv[4], atoi(argv[5]));
	if (argc >= 7 && !strcmp(argv[1], "load"))
		return load(argv[2], argv[3], argv[4], argv[5], argv + 6);
	fprintf(stderr, "probe: see the head of its source\n");
	return 2;
}
