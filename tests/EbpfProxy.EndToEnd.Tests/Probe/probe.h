/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets of the end-to-end tests: servers that say who they are, and clients that ask in every
 * way that a program can. Results are lines on standard output, each of words `name=value` after a
 * first word.
 */
#ifndef PROBE_H
#define PROBE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define ANSWER_SIZE	  256
#define ADDRESS_TEXT_SIZE 64

/* How long an answer may take: longer than any pause of a busy machine. */
#define ANSWER_SECONDS 10

struct endpoint {
	struct sockaddr_storage address;
	socklen_t length;
};

/* What comes before the command, for every socket of it. */
struct options {
	const char *source; /* NULL: any */
	int source_port;
	long wait_ms; /* 0: ANSWER_SECONDS */
};

extern struct options options;

/* The call that failed last, for the line that says so. */
extern _Thread_local const char *failed_call;

/* Fills an endpoint for a socket of `family`; an IPv4 address becomes a v4-mapped one in AF_INET6.
 */
void endpoint_parse(struct endpoint *endpoint, int family, const char *address, const char *port);
/* address:port, or [address]:port; v4-mapped ones as IPv4 with a leading `mapped:`. */
void endpoint_format(const struct sockaddr_storage *address, char text[ADDRESS_TEXT_SIZE]);

const char *errno_name(int error);
/* Prints `error call=... errno=...`; returns the exit status. */
int report_error(void);
/* Remembers the name of the call where `result` is negative, and passes it on. */
int tried(const char *call, int result);

/* A socket whose calls end after the time that is waited; bound to the source port, if one is
 * given.
 */
int open_socket(int family, int type, int protocol);
/* As many descriptors as this process may have. */
void raise_file_limit(void);
/* Closes with a reset, so that no port stays in TIME_WAIT. */
void close_now(int fd);
/* Sends a question on a connected socket and waits for the line that answers it. */
int ask(int fd, char answer[ANSWER_SIZE]);
/* Reads the line that answers a question which was sent already. */
int read_answer(int fd, char answer[ANSWER_SIZE]);
/* Prints `answer name=... client=... peer=...` for a connected socket. */
int report_answer(int fd, const char *answer);
/* Asks by a datagram of a socket that is not connected, and prints the answer with who sent it. */
int ask_to(int fd, const struct endpoint *to);
/* Connects, asks and closes: one complete visit. */
int visit(const struct endpoint *endpoint, int type, char answer[ANSWER_SIZE]);

int serve_main(int argc, char **argv);
int ask_main(int argc, char **argv);
int many_main(int argc, char **argv);
int spread_main(int argc, char **argv);
int load_main(int argc, char **argv);
int bind_main(int argc, char **argv);
int from_main(int argc, char **argv);
int follow_main(int argc, char **argv);
int hold_main(int argc, char **argv);
int crowd_main(int argc, char **argv);
int bulk_main(int argc, char **argv);
int raw_main(int argc, char **argv);
int spray_main(int argc, char **argv);
int race_main(int argc, char **argv);
int sidecar_main(int argc, char **argv);
int tunnel_main(int argc, char **argv);

/* Connects, sends and receives by io_uring; false where this kernel has none for us. */
bool uring_is_available(void);
int uring_ask(int fd, const struct endpoint *endpoint, char answer[ANSWER_SIZE]);

#endif
