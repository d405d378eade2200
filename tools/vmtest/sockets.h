/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VMTEST_SOCKETS_H
#define VMTEST_SOCKETS_H

#include <arpa/inet.h>
#include <sys/socket.h>

/* Ends the process. */
void die(const char *what);

/* The address and port that are written; their length. */
socklen_t parse(const char *text, const char *port, struct sockaddr_storage *address);

/* An address with its port and, without it, as a string that the next call writes over. */
const char *show(const struct sockaddr_storage *address);
const char *show_address(const struct sockaddr_storage *address);

/* A socket of a kind (tcp, sctp, or what else there is: UDP) that gives up after a while, and whose
 * connection is closed by a reset: thousands of them leave no port behind. */
int open_socket(int family, const char *how);

/* A socket that is bound to a port of all addresses of both families, and listens if it can. */
int listener(const char *how, const char *port);

#endif
