// SPDX-License-Identifier: Apache-2.0
/* What stands beside a program of a pod and takes its connections, because a rule redirects them:
 * it asks whom they were for, and passes questions on to there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

/* SO_ORIGINAL_DST, and IP6T_SO_ORIGINAL_DST; their headers do not go with those of the C library.
 */
#define ORIGINAL_DESTINATION 80

static int listen_on(int family, int port)
{
	struct sockaddr_in6 any = {.sin6_family = (sa_family_t)family,
				   .sin6_port = htons((in_port_t)port)};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (tried("bind", bind(fd, (struct sockaddr *)&any,
			       family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(any))) < 0 ||
	    tried("listen", listen(fd, 16)) < 0)
		return -1;
	return fd;
}

static int original_of(int fd, int family, struct endpoint *original)
{
	original->length = sizeof(original->address);
	return tried("getsockopt", family == AF_INET
					   ? getsockopt(fd, SOL_IP, ORIGINAL_DESTINATION,
							&original->address, &original->length)
					   : getsockopt(fd, SOL_IPV6, ORIGINAL_DESTINATION,
							&original->address, &original->length));
}

/* Its own connections carry a mark, so that the rule leaves them alone. */
static int pass_on(int fd, const struct endpoint *original, unsigned int mark)
{
	char question[ANSWER_SIZE], answer[ANSWER_SIZE], reply[2 * ANSWER_SIZE + ADDRESS_TEXT_SIZE];
	char text[ADDRESS_TEXT_SIZE];
	int onward = open_socket(original->address.ss_family, SOCK_STREAM, 0);
	int length, result = -1;

	if (onward < 0)
		return -1;
	endpoint_format(&original->address, text);
	if (tried("mark", setsockopt(onward, SOL_SOCKET, SO_MARK, &mark, sizeof(mark))) == 0 &&
	    tried("connect", connect(onward, (const struct sockaddr *)&original->address,
				     original->length)) == 0) {
		result = 0;
		while (result == 0 && read_answer(fd, question) == 0) {
			result = ask(onward, answer);
			length = snprintf(reply, sizeof(reply), "%s original=%s\n", answer, text);
			if (result == 0)
				result = tried("send", (int)send(fd, reply, (size_t)length, 0)) < 0
						 ? -1
						 : 0;
		}
	}
	close_now(onward);
	return result;
}

/* sidecar 4|6 PORT MARK: one connection after the other, until it is killed. */
int sidecar_main(int argc, char **argv)
{
	int family = argc > 0 && !strcmp(argv[0], "6") ? AF_INET6 : AF_INET;
	int listener, fd;

	if (argc < 3)
		return 2;
	listener = listen_on(family, atoi(argv[1]));
	if (listener < 0)
		return report_error();
	puts("ready");
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		struct endpoint original = {0};

		if (original_of(fd, family, &original) < 0 ||
		    pass_on(fd, &original, (unsigned int)atoi(argv[2])) < 0)
			report_error();
		close_now(fd);
	}
	return report_error();
}
