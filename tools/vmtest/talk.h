/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VMTEST_TALK_H
#define VMTEST_TALK_H

/* See the head of probe.c. They return the exit status. */
int mirror(const char *how, const char *port);
int talk(const char *how, const char *address, const char *port, int size, int count);
int hold(const char *how, const char *address, const char *port, const char *seen, const char *end);

#endif
