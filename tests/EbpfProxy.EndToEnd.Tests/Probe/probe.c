// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
};

static const struct command commands[] = {
	{"serve", serve_main, "NAME PORT|FROM-TO..."},
	{"ask", ask_main, "ROW ADDRESS PORT [ADDRESS PORT]"},
	{"many", many_main, "4|6 ADDRESS PORT..."},
	{"spread", spread_main, "tcp|udp ADDRESS PORT COUNT"},
	{"load", load_main, "tcp|udp THREADS (ADDRESS PORT PREFIX)..."},
	{"bind", bind_main, "tcp|udp ADDRESS PORT"},
	{"from", from_main, "tcp|udp OWN-ADDRESS ADDRESS PORT"},
	{"hold", hold_main, "tcp|udp|datagrams ADDRESS PORT"},
	{"follow", follow_main, "tcp|udp ADDRESS PORT"},
	{"crowd", crowd_main, "tcp|udp COUNT (ADDRESS PORT)..."},
	{"bulk", bulk_main, "tcp|udp ADDRESS PORT BYTES"},
	{"raw", raw_main, "ADDRESS PORT [BYTES, IN FRAGMENTS, THE LAST FIRST]"},
	{"spray", spray_main, "udp|syn ADDRESS PORT COUNT"},
	{"race", race_main, "ADDRESS PORT FLOWS"},
	{"sidecar", sidecar_main, "4|6 PORT MARK"},
	{"tunnel", tunnel_main, "DEVICE"},
};

/* Options come first: -s and -p, the source, and -w, milliseconds to wait; the rest is returned. */
static int read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "+s:p:w:")) != -1) {
		if (option == 's')
			options.source = optarg;
		else if (option == 'p')
			options.source_port = atoi(optarg);
		else if (option == 'w')
			options.wait_ms = atol(optarg);
	}
	return optind;
}

int main(int argc, char **argv)
{
	int first = read_options(argc, argv);

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc > first && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(argv[first], commands[i].name))
			return commands[i].run(argc - first - 1, argv + first + 1);
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "probe [-s ADDRESS] [-p PORT] [-w MS] %s %s\n", commands[i].name,
			commands[i].usage);
	return 2;
}
