// SPDX-License-Identifier: Apache-2.0
/* Many questions: how they spread, whether any fails while something else happens, and one
 * connection that lives long. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

#define MAX_NAMES    4096
#define MAX_REPORTED 20

struct target {
	struct endpoint endpoint;
	const char *prefix;
};

static struct target *targets;
static size_t target_count;
static int socket_type;
static atomic_ulong visits;
static atomic_ulong failures;
static atomic_bool stopping;

static int type_of(const char *name)
{
	return strcmp(name, "tcp") ? SOCK_DGRAM : SOCK_STREAM;
}

static int family_of(const char *address)
{
	return strchr(address, ':') ? AF_INET6 : AF_INET;
}

static void name_of(const char *answer, char name[ANSWER_SIZE])
{
	if (sscanf(answer, "name=%127s", name) != 1)
		name[0] = '\0';
}

/* Whom the server saw, without its port. */
static void client_of(const char *answer, char client[ADDRESS_TEXT_SIZE])
{
	const char *at = strstr(answer, " client=");
	char *port;

	if (!at || sscanf(at, " client=%63s", client) != 1)
		client[0] = '\0';
	port = strrchr(client, ':');
	if (port)
		*port = '\0';
}

int spread_main(int argc, char **argv)
{
	static struct {
		char name[ANSWER_SIZE];
		char client[ADDRESS_TEXT_SIZE];
		unsigned long count;
	} seen[MAX_NAMES];
	struct endpoint endpoint;
	size_t names = 0;

	if (argc < 4)
		return 2;
	endpoint_parse(&endpoint, family_of(argv[1]), argv[1], argv[2]);
	for (long left = atol(argv[3]); left > 0; left--) {
		char answer[ANSWER_SIZE], name[ANSWER_SIZE];
		size_t i = 0;

		if (visit(&endpoint, type_of(argv[0]), answer) < 0)
			return report_error();
		name_of(answer, name);
		while (i < names && strcmp(seen[i].name, name))
			i++;
		if (i == MAX_NAMES)
			return 2;
		if (i == names)
			memcpy(seen[names++].name, name, sizeof(name));
		client_of(answer, seen[i].client);
		seen[i].count++;
	}
	for (size_t i = 0; i < names; i++)
		printf("count name=%s client=%s times=%lu\n", seen[i].name, seen[i].client,
		       seen[i].count);
	return 0;
}

static void fail(const struct target *target, const char *call, const char *why)
{
	char text[ADDRESS_TEXT_SIZE];

	if (atomic_fetch_add(&failures, 1) >= MAX_REPORTED)
		return;
	endpoint_format(&target->endpoint.address, text);
	printf("failure target=%s call=%s why=%s visit=%lu\n", text, call, why,
	       atomic_load(&visits));
}

static void *visit_all(void *argument)
{
	unsigned int seed = (unsigned int)(size_t)argument;

	while (!atomic_load_explicit(&stopping, memory_order_relaxed)) {
		const struct target *target = &targets[(size_t)rand_r(&seed) % target_count];
		char answer[ANSWER_SIZE], name[ANSWER_SIZE];

		if (visit(&target->endpoint, socket_type, answer) < 0) {
			fail(target, failed_call, errno_name(errno));
		} else {
			name_of(answer, name);
			if (strncmp(name, target->prefix, strlen(target->prefix)))
				fail(target, "answer", name);
		}
		atomic_fetch_add(&visits, 1);
	}
	return NULL;
}

static void report_count(const char *word)
{
	printf("%s visits=%lu failures=%lu\n", word, atomic_load(&visits), atomic_load(&failures));
}

/* A line on standard input asks for the count so far; its end ends the load. */
int load_main(int argc, char **argv)
{
	long threads = argc < 5 ? 0 : atol(argv[1]);
	pthread_t *ids = calloc((size_t)threads + 1, sizeof(*ids));
	char line[ANSWER_SIZE];

	if (argc < 5)
		return 2;
	socket_type = type_of(argv[0]);
	targets = calloc((size_t)argc, sizeof(*targets));
	for (int i = 2; i + 2 < argc; i += 3) {
		struct target *target = &targets[target_count++];

		endpoint_parse(&target->endpoint, family_of(argv[i]), argv[i], argv[i + 1]);
		target->prefix = argv[i + 2];
	}
	for (long i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, visit_all, (void *)(size_t)(i + 1));
	while (fgets(line, sizeof(line), stdin))
		report_count("so-far");
	atomic_store(&stopping, true);
	for (long i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	report_count("total");
	return atomic_load(&failures) ? 1 : 0;
}

/* The same with another socket where one fails, as a program does that is told of it. */
int follow_main(int argc, char **argv)
{
	char line[ANSWER_SIZE], answer[ANSWER_SIZE];
	struct endpoint endpoint;
	int fd = -1;

	if (argc < 3)
		return 2;
	endpoint_parse(&endpoint, family_of(argv[1]), argv[1], argv[2]);
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		while (true) {
			if (fd < 0) {
				fd = open_socket(endpoint.address.ss_family, type_of(argv[0]), 0);
				if (tried("connect",
					  connect(fd, (struct sockaddr *)&endpoint.address,
						  endpoint.length)) < 0)
					return report_error();
			}
			if (!ask(fd, answer) && !report_answer(fd, answer))
				break;
			report_error();
			close(fd);
			fd = -1;
		}
	}
	return 0;
}

static int ask_connected(int fd)
{
	char answer[ANSWER_SIZE];

	return ask(fd, answer) < 0 ? -1 : report_answer(fd, answer);
}

/* One socket that stays: a question for every line on standard input. */
int hold_main(int argc, char **argv)
{
	struct endpoint endpoint;
	char line[ANSWER_SIZE];
	bool is_connected, is_lost;
	int fd;

	if (argc < 3)
		return 2;
	endpoint_parse(&endpoint, family_of(argv[1]), argv[1], argv[2]);
	is_connected = strcmp(argv[0], "datagrams") != 0;
	fd = open_socket(endpoint.address.ss_family, type_of(argv[0]), 0);
	if (is_connected && tried("connect", connect(fd, (struct sockaddr *)&endpoint.address,
						     endpoint.length)) < 0)
		return report_error();
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		if ((is_connected ? ask_connected(fd) : ask_to(fd, &endpoint)) == 0)
			continue;
		/* A datagram may be lost: the socket is as good as before. */
		is_lost = errno == EAGAIN;
		report_error();
		if (!is_lost)
			return 1;
	}
	return 0;
}
