// SPDX-License-Identifier: Apache-2.0
// A server and a client of one line, for a guest that has no others.
//
//   probe serve NAME PORT...
//     TCP and UDP, both families: answers NAME; with "@" the address of who asks. What is longer
//     than a request is sent back.
//   probe ask HOW ADDRESS PORT COUNT
//     Prints "ANSWER from PEER" or the error's name, one line each time.
//   probe load ADDRESS PORT SEEN END ANSWER...
//     Connects until the file END is there; makes the file SEEN once it has begun. Prints how
//     often; fails at the first error, or answer that is not among these.
//   probe mirror HOW PORT
//     Sends back what comes on connections, or of UDP each datagram.
//   probe talk HOW ADDRESS PORT SIZE COUNT
//   probe hold HOW ADDRESS PORT SEEN END
//     Has messages sent back on one connection: so many of that size, or until the file END is
//     there, and makes the file SEEN once it has begun. Prints how many; fails at the first error.
//
// HOW is tcp, udp (connected), sendto (not connected) or sctp; for ask also fragments: a datagram
// of 8,000 bytes, sent back. PEER is getpeername's, for sendto the address that the answer came
// from. An IPv4 ADDRESS may be written ::ffff:a.b.c.d: then the socket is an IPv6 one.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sockets.h"
#include "talk.h"

#define MAX_PORTS 8
#define REQUEST	  64
#define DATAGRAM  8000

static const char *answer_to(const char *name, const struct sockaddr_storage *client)
{
	static const char mapped[] = "::ffff:";

	if (strcmp(name, "@"))
		return name;
	name = show_address(client);
	return strncmp(name, mapped, sizeof(mapped) - 1) ? name : name + sizeof(mapped) - 1;
}

static void answer_stream(int listening, const char *name)
{
	struct sockaddr_storage client;
	socklen_t length = sizeof(client);
	int fd = accept(listening, (struct sockaddr *)&client, &length);

	if (fd < 0)
		return;
	name = answer_to(name, &client);
	if (send(fd, name, strlen(name), MSG_NOSIGNAL) < 0)
		perror("answer");
	close(fd);
}

static void answer_datagram(int fd, const char *name)
{
	struct sockaddr_storage client;
	socklen_t length = sizeof(client);
	char request[DATAGRAM];
	ssize_t got =
		recvfrom(fd, request, sizeof(request), 0, (struct sockaddr *)&client, &length);
	const char *answer = got > REQUEST ? request : answer_to(name, &client);
	size_t size = got > REQUEST ? (size_t)got : strlen(answer);

	if (got < 0 || sendto(fd, answer, size, 0, (struct sockaddr *)&client, length) < 0)
		perror("answer");
}

static int serve(const char *name, char **ports, int count)
{
	struct pollfd ready[2 * MAX_PORTS];

	for (int i = 0; i < 2 * count; i++) {
		ready[i].fd = listener(i % 2 ? "udp" : "tcp", ports[i / 2]);
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

// Sends what does not fit a packet; the answer is how much of the same came back.
static ssize_t exchange_fragments(int fd, char answer[REQUEST])
{
	char sent[DATAGRAM], received[DATAGRAM];
	ssize_t got;

	for (int i = 0; i < DATAGRAM; i++)
		sent[i] = i * 7;
	if (send(fd, sent, sizeof(sent), 0) < 0)
		return -1;
	got = recv(fd, received, sizeof(received), 0);
	if (got < 0)
		return -1;
	return snprintf(answer, REQUEST, "%zd bytes, %s", got,
			memcmp(sent, received, got) ? "others" : "the same");
}

// Leaves the answer and who it is from; returns false with errno where there is none.
static int exchange(int fd, const char *how, const struct sockaddr_storage *to, socklen_t length,
		    char answer[REQUEST], struct sockaddr_storage *from)
{
	socklen_t from_length = sizeof(*from);
	ssize_t got;

	if (!strcmp(how, "sendto")) {
		if (sendto(fd, "?", 1, 0, (const struct sockaddr *)to, length) < 0)
			return 0;
		got = recvfrom(fd, answer, REQUEST - 1, 0, (struct sockaddr *)from, &from_length);
	} else {
		if (connect(fd, (const struct sockaddr *)to, length) ||
		    (!strcmp(how, "udp") && send(fd, "?", 1, 0) < 0))
			return 0;
		got = strcmp(how, "fragments") ? recv(fd, answer, REQUEST - 1, 0)
					       : exchange_fragments(fd, answer);
		if (got >= 0 && getpeername(fd, (struct sockaddr *)from, &from_length))
			return 0;
	}
	if (got < 0)
		return 0;
	answer[got] = 0;
	return 1;
}

static int ask(const char *how, const struct sockaddr_storage *to, socklen_t length,
	       char answer[REQUEST], struct sockaddr_storage *from)
{
	int fd = open_socket(to->ss_family, how);
	int done, error;

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
	char answer[REQUEST];

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
	char answer[REQUEST];
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
	if (argc == 4 && !strcmp(argv[1], "mirror"))
		return mirror(argv[2], argv[3]);
	if (argc == 7 && !strcmp(argv[1], "talk"))
		return talk(argv[2], argv[3], argv[4], atoi(argv[5]), atoi(argv[6]));
	if (argc == 7 && !strcmp(argv[1], "hold"))
		return hold(argv[2], argv[3], argv[4], argv[5], argv[6]);
	fprintf(stderr, "probe: see the head of its source\n");
	return 2;
}
