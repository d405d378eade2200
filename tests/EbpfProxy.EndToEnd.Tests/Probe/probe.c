// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>
#include <string.h>

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
	{"hold", hold_main, "tcp|udp ADDRESS PORT"},
};

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 2, argv + 2);
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, "probe %s %s\n", commands[i].name, commands[i].usage);
	return 2;
}
