// SPDX-License-Identifier: Apache-2.0
/* A server on any number of ports, by TCP and UDP and both families: every question is answered
 * with who it is, on which port, and whom it sees asking. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe.h"

#define BACKLOG	     4096
#define EVENTS	     64
#define MAX_TOKEN    32
#define MAX_DATAGRAM 65536
#define BULK_CHUNK   65536

/* Bytes that may wait at a socket for datagrams, so that none is lost on a busy machine. */
#define ROOM_FOR_QUESTIONS (16 << 20)

enum role {
	ROLE_LISTENER = 1,
	ROLE_CONNECTION,
	ROLE_DATAGRAMS,
};

/* What epoll hands back: the descriptor, its role and the port that it serves. */
union tag {
	epoll_data_t data;
	struct {
		int fd;
		unsigned short port;
		unsigned short role;
	};
};

static const char *server_name;

static void watch(int poll, int fd, unsigned short port, enum role role)
{
	union tag tag = {.fd = fd, .port = port, .role = (unsigned short)role};
	struct epoll_event event = {.events = EPOLLIN, .data = tag.data};

	epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

static int listen_on(int poll, unsigned short port, int type)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, off = 0, room = ROOM_FOR_QUESTIONS;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* A process may hold fewer connections than a crowd has: servers can share a port. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (type == SOCK_DGRAM) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	}
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG))) {
		fprintf(stderr, "port %d: %s\n", port, strerror(errno));
		return -1;
	}
	watch(poll, fd, port, type == SOCK_STREAM ? ROLE_LISTENER : ROLE_DATAGRAMS);
	return 0;
}

/* Overwrites a question with its answer. What follows a # comes back as a token. */
static int compose(char *text, size_t got, unsigned short port,
		   const struct sockaddr_storage *client)
{
	char address[ADDRESS_TEXT_SIZE], token[MAX_TOKEN + 1] = "";

	text[got < MAX_TOKEN ? got : MAX_TOKEN] = '\0';
	if (text[0] == '#')
		sscanf(text, "#%32s", token);
	endpoint_format(client, address);
	return snprintf(text, ANSWER_SIZE, "name=%s/%d client=%s%s%s\n", server_name, port, address,
			token[0] ? " token=" : "", token);
}

static void block(int fd, bool on)
{
	struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	int flags = fcntl(fd, F_GETFL);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	fcntl(fd, F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

/* `put BYTES` is followed by as many and is then answered like any question; `get BYTES` is
 * answered by as many. Nobody else is served meanwhile. */
static void serve_bulk(int fd, char *text, size_t got)
{
	static char data[BULK_CHUNK];
	bool is_put = !strncmp(text, "put ", 4);
	size_t left;

	text[got] = '\0';
	left = (size_t)atol(text + 4);
	if (is_put)
		left -= got - strcspn(text, "\n") - 1;
	block(fd, true);
	while (left > 0) {
		size_t part = left < sizeof(data) ? left : sizeof(data);
		ssize_t done = is_put ? recv(fd, data, part, 0) : send(fd, data, part, 0);

		if (done <= 0)
			break;
		left -= (size_t)done;
	}
	block(fd, false);
}

static void serve_listener(int poll, union tag tag)
{
	int fd;

	while ((fd = accept4(tag.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		watch(poll, fd, tag.port, ROLE_CONNECTION);
}

static void serve_connection(union tag tag)
{
	struct sockaddr_storage client;
	socklen_t length = sizeof(client);
	char text[ANSWER_SIZE];
	ssize_t got = recv(tag.fd, text, sizeof(text) - 1, 0);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got > 4 && (!strncmp(text, "put ", 4) || !strncmp(text, "get ", 4))) {
		bool is_put = text[0] == 'p';

		serve_bulk(tag.fd, text, (size_t)got);
		if (!is_put)
			return;
		got = 1;
	}
	if (got > 0 && getpeername(tag.fd, (struct sockaddr *)&client, &length) == 0 &&
	    send(tag.fd, text, (size_t)compose(text, (size_t)got, tag.port, &client), 0) > 0)
		return;
	close(tag.fd);
}

/* The answer leaves from the address that was asked, of however many the machine has. */
static void serve_datagrams(union tag tag)
{
	struct sockaddr_storage client;
	static char text[MAX_DATAGRAM];
	char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct iovec line = {.iov_base = text, .iov_len = sizeof(text)};
	struct msghdr message = {
		.msg_name = &client,
		.msg_namelen = sizeof(client),
		.msg_iov = &line,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	ssize_t got;

	while ((got = recvmsg(tag.fd, &message, 0)) > 0) {
		struct cmsghdr *info = CMSG_FIRSTHDR(&message);

		/* Two servers that answered each other would never come to an end. */
		if (got >= 5 && !strncmp(text, "name=", 5))
			continue;
		if (info)
			((struct in6_pktinfo *)CMSG_DATA(info))->ipi6_ifindex = 0;
		line.iov_len = (size_t)compose(text, (size_t)got, tag.port, &client);
		/* A big question gets an answer of its own size. */
		if ((size_t)got > ANSWER_SIZE)
			line.iov_len = (size_t)got;
		if (sendmsg(tag.fd, &message, 0) < 0)
			fprintf(stderr, "answer by UDP: %s\n", strerror(errno));
		line.iov_len = sizeof(text);
		message.msg_namelen = sizeof(client);
		message.msg_controllen = sizeof(control);
	}
}

static int listen_on_all(int poll, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int from, to;

		if (sscanf(argv[i], "%d-%d", &from, &to) < 2)
			to = from = atoi(argv[i]);
		for (int port = from; port <= to; port++) {
			if (listen_on(poll, (unsigned short)port, SOCK_STREAM) ||
			    listen_on(poll, (unsigned short)port, SOCK_DGRAM))
				return -1;
		}
	}
	return 0;
}

int serve_main(int argc, char **argv)
{
	int poll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS];

	raise_file_limit();
	server_name = argv[0];
	if (argc < 2 || listen_on_all(poll, argc, argv))
		return 1;
	puts("ready");
	for (;;) {
		int count = epoll_wait(poll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			union tag tag = {.data = events[i].data};

			if (tag.role == ROLE_LISTENER)
				serve_listener(poll, tag);
			else if (tag.role == ROLE_CONNECTION)
				serve_connection(tag);
			else
				serve_datagrams(tag);
		}
	}
}
