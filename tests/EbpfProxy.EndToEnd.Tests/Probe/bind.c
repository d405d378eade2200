// SPDX-License-Identifier: Apache-2.0
/* Sockets that are bound before they do anything else. */
#include <stdio.h>
#include <string.h>

#include "probe.h"

static int open_bound(const char *protocol, const char *address, const char *port)
{
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	int fd = open_socket(family, strcmp(protocol, "udp") ? SOCK_STREAM : SOCK_DGRAM, 0);
	struct endpoint own;

	endpoint_parse(&own, family, address, port);
	if (fd >= 0 && tried("bind", bind(fd, (struct sockaddr *)&own.address, own.length)) < 0)
		return -1;
	return fd;
}

int bind_main(int argc, char **argv)
{
	int fd;

	if (argc < 3)
		return 2;
	fd = open_bound(argv[0], argv[1], argv[2]);
	if (fd < 0)
		return report_error();
	puts("bound");
	close_now(fd);
	return 0;
}

int from_main(int argc, char **argv)
{
	char answer[ANSWER_SIZE];
	struct endpoint to;
	int fd;

	if (argc < 4)
		return 2;
	fd = open_bound(argv[0], argv[1], "0");
	endpoint_parse(&to, strchr(argv[1], ':') ? AF_INET6 : AF_INET, argv[2], argv[3]);
	if (fd < 0 ||
	    tried("connect", connect(fd, (struct sockaddr *)&to.address, to.length)) < 0 ||
	    ask(fd, answer) < 0 || report_answer(fd, answer) < 0)
		return report_error();
	close_now(fd);
	return 0;
}
