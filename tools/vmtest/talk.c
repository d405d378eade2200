// SPDX-License-Identifier: Apache-2.0
// Messages that are sent back on one connection.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sockets.h"
#include "talk.h"

#define MAX_MESSAGE 16384
#define HELD	    64
#define PAUSE_US    20000

static void send_back(int fd)
{
	char message[MAX_MESSAGE];
	ssize_t got;

	while ((got = recv(fd, message, sizeof(message), 0)) > 0) {
		if (send(fd, message, got, MSG_NOSIGNAL) != got)
			break;
	}
}

static void send_back_datagrams(int fd)
{
	struct sockaddr_storage client;
	char message[MAX_MESSAGE];

	for (;;) {
		socklen_t length = sizeof(client);
		ssize_t got = recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&client,
				       &length);

		if (got >= 0 && sendto(fd, message, got, 0, (struct sockaddr *)&client, length) < 0)
			perror("send back");
	}
}

int mirror(const char *how, const char *port)
{
	int listening = listener(how, port);

	if (!strcmp(how, "udp"))
		send_back_datagrams(listening);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listening, NULL, NULL);

		if (fd < 0)
			continue;
		if (fork() == 0) {
			send_back(fd);
			_exit(0);
		}
		close(fd);
	}
}

// False with errno where the same does not come back.
static bool exchange_message(int fd, int size, int number)
{
	static char sent[MAX_MESSAGE], received[MAX_MESSAGE];
	int total = 0;

	for (int i = 0; i < size; i++)
		sent[i] = number + i;
	if (send(fd, sent, size, MSG_NOSIGNAL) != size)
		return false;
	while (total < size) {
		ssize_t got = recv(fd, received + total, size - total, 0);

		if (got <= 0) {
			errno = got ? errno : ECONNRESET;
			return false;
		}
		total += got;
	}
	errno = EBADMSG;
	return !memcmp(sent, received, size);
}

static int begin(const char *how, const char *address, const char *port)
{
	struct sockaddr_storage to;
	socklen_t length = parse(address, port, &to);
	int fd = open_socket(to.ss_family, how);

	if (connect(fd, (const struct sockaddr *)&to, length)) {
		printf("%s at once\n", strerrorname_np(errno));
		exit(1);
	}
	return fd;
}

static int failed(int count)
{
	printf("%s after %d messages\n", strerrorname_np(errno), count);
	return 1;
}

int talk(const char *how, const char *address, const char *port, int size, int count)
{
	int fd = begin(how, address, port);

	size = size > MAX_MESSAGE ? MAX_MESSAGE : size;
	for (int i = 0; i < count; i++) {
		if (!exchange_message(fd, size, i))
			return failed(i);
	}
	printf("%d messages\n", count);
	return 0;
}

int hold(const char *how, const char *address, const char *port, const char *seen, const char *end)
{
	int fd = begin(how, address, port);
	int count = 0;

	while (access(end, F_OK)) {
		if (!exchange_message(fd, HELD, count))
			return failed(count);
		if (count++ == 0)
			fclose(fopen(seen, "w"));
		usleep(PAUSE_US);
	}
	printf("%d messages\n", count);
	return 0;
}
