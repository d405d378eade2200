// SPDX-License-Identifier: Apache-2.0
/* A server on any number of ports, by TCP and UDP and both families: every question is answered
 * with who it is, on which port, and whom it sees asking. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe.h"

#define BACKLOG 4096
#define EVENTS	64

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
	int on = 1, off = 0;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (type == SOCK_DGRAM)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG))) {
		fprintf(stderr, "port %d: %s\n", port, strerror(errno));
		return -1;
	}
	watch(poll, fd, port, type == SOCK_STREAM ? ROLE_LISTENER : ROLE_DATAGRAMS);
	return 0;
}

static int compose(char *text, unsigned short port, const struct sockaddr_storage *client)
{
	char address[ADDRESS_TEXT_SIZE];

	endpoint_format(client, address);
	return snprintf(text, ANSWER_SIZE, "name=%s/%d client=%s\n", server_name, port, address);
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
	ssize_t got = recv(tag.fd, text, sizeof(text), 0);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got > 0 && getpeername(tag.fd, (struct sockaddr *)&client, &length) == 0 &&
	    send(tag.fd, text, (size_t)compose(text, tag.port, &client), 0) > 0)
		return;
	close(tag.fd);
}

/* The answer leaves from the address that was asked, of however many the machine has. */
static void serve_datagrams(union tag tag)
{
	struct sockaddr_storage client;
	char text[ANSWER_SIZE], control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct iovec line = {.iov_base = text, .iov_len = sizeof(text)};
	struct msghdr message = {
		.msg_name = &client,
		.msg_namelen = sizeof(client),
		.msg_iov = &line,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	while (recvmsg(tag.fd, &message, 0) > 0) {
		struct cmsghdr *info = CMSG_FIRSTHDR(&message);

		if (info)
			((struct in6_pktinfo *)CMSG_DATA(info))->ipi6_ifindex = 0;
		line.iov_len = (size_t)compose(text, tag.port, &client);
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
	struct rlimit files = {.rlim_cur = 65536, .rlim_max = 65536};
	int poll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS];

	setrlimit(RLIMIT_NOFILE, &files);
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
