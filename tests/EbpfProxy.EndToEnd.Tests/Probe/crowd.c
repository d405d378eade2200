// SPDX-License-Identifier: Apache-2.0
/* Many connections that are all open at once. Each asks with a token of its own, so that an answer
 * which belongs to another is noticed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "probe.h"

#define AT_ONCE	     64
#define EVENTS	     64
#define MAX_REPORTED 20

enum stage {
	STAGE_IDLE,
	STAGE_CONNECTING,
	STAGE_ASKED,
	STAGE_FAILED,
};

struct member {
	int fd;
	enum stage stage;
	char name[32]; /* who answered first: who answers ever after */
};

static struct member *members;
static long member_count;
static struct endpoint *targets;
static long target_count;
static int socket_type;
static int poll_fd;
static long in_flight;
static long failures;
static long round_number;

static void member_failed(struct member *member, const char *call, const char *why)
{
	if (failures++ < MAX_REPORTED)
		printf("failure member=%ld call=%s why=%s\n", (long)(member - members), call, why);
	member->stage = STAGE_FAILED;
	epoll_ctl(poll_fd, EPOLL_CTL_DEL, member->fd, NULL);
	in_flight--;
}

static void member_watch(struct member *member, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = member};

	epoll_ctl(poll_fd, EPOLL_CTL_MOD, member->fd, &event);
}

static void member_ask(struct member *member)
{
	char question[64];
	int length = snprintf(question, sizeof(question), "#%ld-%ld\n", (long)(member - members),
			      round_number);

	member->stage = STAGE_ASKED;
	if (send(member->fd, question, (size_t)length, 0) < 0)
		member_failed(member, "send", errno_name(errno));
	else
		member_watch(member, EPOLLIN);
}

static void member_open(struct member *member)
{
	const struct endpoint *to = &targets[(member - members) % target_count];
	struct epoll_event event = {.data.ptr = member};

	member->fd = open_socket(to->address.ss_family, socket_type | SOCK_NONBLOCK, 0);
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, member->fd, &event);
	if (connect(member->fd, (const struct sockaddr *)&to->address, to->length) == 0) {
		member_ask(member);
	} else if (errno == EINPROGRESS) {
		member->stage = STAGE_CONNECTING;
		member_watch(member, EPOLLOUT);
	} else {
		member_failed(member, "connect", errno_name(errno));
	}
}

static void member_read(struct member *member)
{
	char answer[ANSWER_SIZE], name[32] = "", token[64] = "", expected[64];
	ssize_t got = recv(member->fd, answer, sizeof(answer) - 1, 0);

	if (got <= 0) {
		member_failed(member, "recv", got < 0 ? errno_name(errno) : "closed");
		return;
	}
	answer[got] = '\0';
	snprintf(expected, sizeof(expected), "%ld-%ld", (long)(member - members), round_number);
	if (sscanf(answer, "name=%31s client=%*s token=%63s", name, token) != 2 ||
	    strcmp(token, expected)) {
		member_failed(member, "token", token);
	} else if (member->name[0] && strcmp(member->name, name)) {
		member_failed(member, "name", name);
	} else {
		memcpy(member->name, name, sizeof(name));
		member->stage = STAGE_IDLE;
		member_watch(member, 0);
		in_flight--;
	}
}

static void member_go_on(struct member *member)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (member->stage == STAGE_ASKED) {
		member_read(member);
		return;
	}
	getsockopt(member->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error)
		member_failed(member, "connect", errno_name(error));
	else
		member_ask(member);
}

static void give_up(void)
{
	for (long i = 0; i < member_count; i++) {
		if (members[i].stage == STAGE_CONNECTING || members[i].stage == STAGE_ASKED)
			member_failed(&members[i], "wait", "ETIMEDOUT");
	}
}

/* All ask once, so many at a time. */
static void ask_all(void (*begin)(struct member *))
{
	struct epoll_event events[EVENTS];
	long next = 0;

	round_number++;
	while (next < member_count || in_flight > 0) {
		int count;

		while (next < member_count && in_flight < AT_ONCE) {
			struct member *member = &members[next++];

			if (member->stage == STAGE_FAILED)
				continue;
			in_flight++;
			begin(member);
		}
		count = epoll_wait(poll_fd, events, EVENTS,
				   options.wait_ms ? (int)options.wait_ms : ANSWER_SECONDS * 1000);
		if (count == 0 && in_flight > 0)
			give_up();
		for (int i = 0; i < count; i++) {
			struct member *member = events[i].data.ptr;

			if (member->stage != STAGE_FAILED)
				member_go_on(member);
		}
	}
	printf("round members=%ld failures=%ld\n", member_count, failures);
}

/* crowd tcp|udp COUNT (ADDRESS PORT)...: all ask at once, and again for every line on standard
 * input. */
int crowd_main(int argc, char **argv)
{
	char line[ANSWER_SIZE];

	if (argc < 4)
		return 2;
	raise_file_limit();
	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	socket_type = strcmp(argv[0], "tcp") ? SOCK_DGRAM : SOCK_STREAM;
	member_count = atol(argv[1]);
	members = calloc((size_t)member_count, sizeof(*members));
	targets = calloc((size_t)argc, sizeof(*targets));
	for (int i = 2; i + 1 < argc; i += 2)
		endpoint_parse(&targets[target_count++], strchr(argv[i], ':') ? AF_INET6 : AF_INET,
			       argv[i], argv[i + 1]);
	ask_all(member_open);
	while (fgets(line, sizeof(line), stdin))
		ask_all(member_ask);
	return failures ? 1 : 0;
}
