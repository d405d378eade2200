// SPDX-License-Identifier: Apache-2.0
/* First packets of one flow that come to two CPUs at once. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

#define RUNNERS	   2
#define FIRST_PORT 21000
#define MAX_FLOWS  1000

struct runner {
	pthread_t thread;
	int cpu;
	int sender;
	bool failed;
};

static struct endpoint target;
static struct endpoint local;
static int flows;
static atomic_int arrived; /* how often any runner came to a line */

static void port_set(struct endpoint *endpoint, int flow)
{
	((struct sockaddr_in *)&endpoint->address)->sin_port =
		htons((in_port_t)(FIRST_PORT + flow));
}

static void *run(void *argument)
{
	struct runner *runner = argument;
	struct endpoint from = local;
	struct packet packet;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(runner->cpu, &cpus);
	runner->failed = pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus) != 0;
	for (int flow = 0; flow < flows; flow++) {
		port_set(&from, flow);
		packet_udp(&packet, &from, &target, "?\n", 2);
		atomic_fetch_add(&arrived, 1);
		while (atomic_load(&arrived) < RUNNERS * (flow + 1))
			;
		if (raw_send(runner->sender, &packet, &target) < 0)
			runner->failed = true;
	}
	return NULL;
}

static int listen_at(int flow)
{
	struct endpoint any = local;
	int fd = open_socket(local.address.ss_family, SOCK_DGRAM, 0);

	port_set(&any, flow);
	if (fd < 0 || tried("bind", bind(fd, (struct sockaddr *)&any.address, any.length)) < 0)
		return -1;
	return fd;
}

/* The CPUs that this process may use, the first two of them. */
static int choose_cpus(struct runner runners[RUNNERS])
{
	int found = 0;
	cpu_set_t cpus;

	sched_getaffinity(0, sizeof(cpus), &cpus);
	for (int cpu = 0; cpu < CPU_SETSIZE && found < RUNNERS; cpu++) {
		if (CPU_ISSET(cpu, &cpus))
			runners[found++].cpu = cpu;
	}
	return found;
}

static int race(struct runner runners[RUNNERS])
{
	bool failed = false;

	for (int i = 0; i < RUNNERS; i++) {
		runners[i].sender = raw_sender(target.address.ss_family);
		if (runners[i].sender < 0)
			return -1;
	}
	for (int i = 0; i < RUNNERS; i++)
		pthread_create(&runners[i].thread, NULL, run, &runners[i]);
	for (int i = 0; i < RUNNERS; i++) {
		pthread_join(runners[i].thread, NULL);
		failed |= runners[i].failed;
	}
	return tried("race", failed ? -1 : 0);
}

/* Prints `flow answers=N same=yes|no`: whether both packets came to one backend as from one client.
 */
static void report(int fd)
{
	char first[ANSWER_SIZE] = "", other[ANSWER_SIZE];
	int answers = 0;
	bool same = true;
	ssize_t got;

	while ((got = recv(fd, other, sizeof(other) - 1, answers ? MSG_DONTWAIT : 0)) > 0) {
		other[got] = '\0';
		if (answers++ == 0)
			strcpy(first, other);
		same = same && !strcmp(first, other);
	}
	printf("flow answers=%d same=%s\n", answers, same ? "yes" : "no");
}

/* race ADDRESS PORT FLOWS: each flow begins with two packets of UDP, one from each of two CPUs. */
int race_main(int argc, char **argv)
{
	static struct runner runners[RUNNERS];
	static int listeners[MAX_FLOWS];

	if (argc < 3 || (flows = atoi(argv[2])) > MAX_FLOWS)
		return 2;
	if (choose_cpus(runners) < RUNNERS) {
		puts("unsupported what=cpus");
		return 0;
	}
	raise_file_limit();
	endpoint_parse(&target, strchr(argv[0], ':') ? AF_INET6 : AF_INET, argv[0], argv[1]);
	if (raw_local(&target, &local) < 0)
		return report_error();
	for (int flow = 0; flow < flows; flow++) {
		listeners[flow] = listen_at(flow);
		if (listeners[flow] < 0)
			return report_error();
	}
	if (race(runners) < 0)
		return report_error();
	for (int flow = 0; flow < flows; flow++)
		report(listeners[flow]);
	return 0;
}
