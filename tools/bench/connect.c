// SPDX-License-Identifier: Apache-2.0
/*
 * Connections and requests a second, of several variants that take turns: each round measures every
 * variant once, and a report compares within a round, so that what else the machine does falls on
 * all of them alike.
 *
 *   connect serve PORT CPU
 *   connect measure MODE CPU ROUNDS MILLISECONDS NAME,NETNS,CGROUP,ADDRESS,PORT...
 *   connect count LINKS CPU MILLISECONDS NAME,NETNS,CGROUP,ADDRESS,PORT...
 *
 * MODE is `connections` (connect, request, close) or `requests` (on one connection). A line of
 * output: mode, round, name, operations a second, median time of one in nanoseconds.
 *
 * `count` makes connections while the kernel counts what the programs of pinned links cost. A line
 * of output: "program", variant, program, nanoseconds a run, runs a connection. Of one program at
 * several places there is one line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "programs.h"

#define MESSAGE	     64
#define MAX_VARIANTS 24
#define MAX_SAMPLES  (1 << 20)

struct variant {
	const char *name;
	int network;
	int cgroup;
	struct sockaddr_in address;
};

static unsigned int samples[MAX_SAMPLES];

static void fail(const char *what)
{
	fprintf(stderr, "connect: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

static void send_at_once(int socket)
{
	int on = 1;

	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* One connection after the other, as there is one client at a time: what it costs to find out which
 * socket is ready would fall on all variants alike. */
static void serve(int port, int cpu)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	char message[MESSAGE];
	int on = 1;

	pin(cpu);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 128))
		fail("listen");
	for (;;) {
		int connection = accept(listener, NULL, NULL);

		if (connection < 0)
			continue;
		send_at_once(connection);
		while (recv(connection, message, MESSAGE, MSG_WAITALL) == MESSAGE &&
		       send(connection, message, MESSAGE, MSG_NOSIGNAL) == MESSAGE)
			;
		close(connection);
	}
}

static int open_file(const char *path, int flags)
{
	int file = open(path, flags | O_CLOEXEC);

	if (file < 0)
		fail(path);
	return file;
}

static struct variant parse(char *text)
{
	struct variant variant = {.name = strsep(&text, ",")};
	char path[512];

	variant.network = open_file(strsep(&text, ","), O_RDONLY);
	snprintf(path, sizeof(path), "%s/cgroup.procs", strsep(&text, ","));
	variant.cgroup = open_file(path, O_WRONLY);
	variant.address.sin_family = AF_INET;
	if (inet_pton(AF_INET, strsep(&text, ","), &variant.address.sin_addr) != 1 || !text) {
		errno = EINVAL;
		fail(variant.name);
	}
	variant.address.sin_port = htons(atoi(text));
	return variant;
}

/* What cgroup and network a socket belongs to is decided when it is made. */
static void enter(const struct variant *variant)
{
	if (setns(variant->network, CLONE_NEWNET))
		fail("setns");
	if (write(variant->cgroup, "0", 1) != 1)
		fail("cgroup.procs");
}

static int connect_to(const struct variant *variant)
{
	/* Closing resets the connection: nothing is left in TIME_WAIT, whose ports would run out
	 * in some variants before others. */
	struct linger reset = {.l_onoff = 1};
	int connection = socket(AF_INET, SOCK_STREAM, 0);

	if (connection < 0)
		fail("socket");
	setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	send_at_once(connection);
	if (connect(connection, (const struct sockaddr *)&variant->address,
		    sizeof(variant->address)))
		fail(variant->name);
	return connection;
}

static void request(int connection)
{
	char message[MESSAGE] = {};

	if (send(connection, message, MESSAGE, 0) != MESSAGE ||
	    recv(connection, message, MESSAGE, MSG_WAITALL) != MESSAGE)
		fail("request");
}

static int compare(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

struct result {
	int count;
	double per_second;
	unsigned int median;
};

static struct result run(const struct variant *variant, int each, int milliseconds)
{
	long long begin, end, last;
	int connection = -1;
	int count = 0, kept;

	enter(variant);
	if (!each)
		connection = connect_to(variant);
	begin = last = now();
	end = begin + milliseconds * 1000000LL;
	while (last < end) {
		long long time;

		if (each)
			connection = connect_to(variant);
		request(connection);
		if (each)
			close(connection);
		time = now();
		samples[count++ % MAX_SAMPLES] = time - last;
		last = time;
	}
	if (!each)
		close(connection);
	kept = count < MAX_SAMPLES ? count : MAX_SAMPLES;
	qsort(samples, kept, sizeof(*samples), compare);
	return (struct result){count, count * 1e9 / (last - begin), samples[kept / 2]};
}

static void measure(const char *mode, const struct variant *variants, int count, int rounds,
		    int milliseconds)
{
	int each = !strcmp(mode, "connections");

	/* The round before the first warms up. Who comes first in a round moves on by one. */
	for (int round = -1; round < rounds; round++) {
		for (int i = 0; i < count; i++) {
			const struct variant *variant = &variants[(i + round + count) % count];
			struct result result = run(variant, each, milliseconds);

			if (round >= 0)
				printf("%s,%d,%s,%.0f,%u\n", mode, round, variant->name,
				       result.per_second, result.median);
		}
		fflush(stdout);
	}
}

static void count_programs(const char *links, const struct variant *variant, int milliseconds)
{
	struct program before[MAX_PROGRAMS], after[MAX_PROGRAMS];
	int count = programs_read(links, before);
	struct result result = run(variant, 1, milliseconds);

	if (count < 0 || programs_read(links, after) != count)
		fail(links);
	for (int i = 0; i < count; i++) {
		long long runs = after[i].runs - before[i].runs;

		if (runs)
			printf("program,%s,%s,%.1f,%.2f\n", variant->name, after[i].name,
			       (double)(after[i].nanoseconds - before[i].nanoseconds) / runs,
			       (double)runs / result.count);
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: connect serve PORT CPU\n"
			"       connect measure MODE CPU ROUNDS MILLISECONDS VARIANT...\n"
			"       connect count LINKS CPU MILLISECONDS VARIANT...\n");
	return 2;
}

int main(int argc, char **argv)
{
	int counts = argc > 5 && !strcmp(argv[1], "count");
	int first = counts ? 5 : 6;
	struct variant variants[MAX_VARIANTS];
	int count = argc - first;

	if (argc == 4 && !strcmp(argv[1], "serve")) {
		serve(atoi(argv[2]), atoi(argv[3]));
		return 0;
	}
	if (count < 1 || count > MAX_VARIANTS || (!counts && strcmp(argv[1], "measure")))
		return usage();
	for (int i = 0; i < count; i++)
		variants[i] = parse(argv[first + i]);
	pin(atoi(argv[3]));
	if (!counts) {
		measure(argv[2], variants, count, atoi(argv[4]), atoi(argv[5]));
		return 0;
	}
	if (programs_count() < 0)
		fail("count the runs of programs");
	for (int i = 0; i < count; i++)
		count_programs(argv[2], &variants[i], atoi(argv[4]));
	return 0;
}
