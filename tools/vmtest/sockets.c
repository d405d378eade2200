// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "sockets.h"

// Emulation is slow; what takes longer than this is lost.
static const struct timeval patience = {.tv_sec = 30};

void die(const char *what)
{
	perror(what);
	exit(2);
}

socklen_t parse(const char *text, const char *port, struct sockaddr_storage *address)
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

const char *show_address(const struct sockaddr_storage *address)
{
	static char text[INET6_ADDRSTRLEN];
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
	return text;
}

const char *show(const struct sockaddr_storage *address)
{
	static char text[INET6_ADDRSTRLEN + 10];
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	bool is_v4 = address->ss_family == AF_INET;

	// The port stands at the same place in both.
	snprintf(text, sizeof(text), is_v4 ? "%s:%d" : "[%s]:%d", show_address(address),
		 ntohs(v4->sin_port));
	return text;
}

static bool is_stream(const char *how)
{
	return !strcmp(how, "tcp") || !strcmp(how, "sctp");
}

int open_socket(int family, const char *how)
{
	struct linger reset = {.l_onoff = 1};
	int fd = socket(family, is_stream(how) ? SOCK_STREAM : SOCK_DGRAM,
			strcmp(how, "sctp") ? 0 : IPPROTO_SCTP);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)))
		die("socket");
	return fd;
}

int listener(const char *how, const char *port)
{
	int type = is_stream(how) ? SOCK_STREAM : SOCK_DGRAM;
	int protocol = strcmp(how, "sctp") ? 0 : IPPROTO_SCTP;
	int fd = socket(AF_INET6, type, protocol);
	bool has_ipv6 = fd >= 0;
	struct sockaddr_storage any;
	socklen_t length = parse(has_ipv6 ? "::" : "0.0.0.0", port, &any);
	int on = 1;

	if (!has_ipv6)
		fd = socket(AF_INET, type, protocol);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&any, length) || (is_stream(how) && listen(fd, 128)))
		die("listen");
	return fd;
}
