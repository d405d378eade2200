/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PROGRAMS_H
#define BENCH_PROGRAMS_H

/* What the kernel tells of one attached program. */
struct program {
	char name[256];
	unsigned int id;
	long long runs;
	long long nanoseconds;
};

#define MAX_PROGRAMS 16

/* Makes the kernel count while this process lives; -1 where it does not. */
int programs_count(void);

/* Reads the programs whose links are pinned in a folder; how many, -1 on an error. A program bears
 * the name of its link, or what that has before a dash. */
int programs_read(const char *links, struct program *programs);

#endif
