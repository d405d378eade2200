// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "programs.h"

static int bpf(enum bpf_cmd command, union bpf_attr *attributes)
{
	return syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

int programs_count(void)
{
	union bpf_attr attributes = {.enable_stats.type = BPF_STATS_RUN_TIME};

	return bpf(BPF_ENABLE_STATS, &attributes);
}

static int read_info(int descriptor, void *info, unsigned int size)
{
	union bpf_attr attributes = {
		.info = {.bpf_fd = descriptor, .info_len = size, .info = (__u64)info},
	};

	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes);
}

static int open_program(const char *link_path)
{
	union bpf_attr pin = {.pathname = (__u64)link_path};
	int link = bpf(BPF_OBJ_GET, &pin);
	struct bpf_link_info info = {};
	union bpf_attr by_id = {};
	int err;

	if (link < 0)
		return -1;
	err = read_info(link, &info, sizeof(info));
	close(link);
	if (err)
		return -1;
	by_id.prog_id = info.prog_id;
	return bpf(BPF_PROG_GET_FD_BY_ID, &by_id);
}

static int read_program(const char *link_path, const char *name, struct program *program)
{
	struct bpf_prog_info info = {};
	int descriptor = open_program(link_path);
	int err;

	if (descriptor < 0)
		return -1;
	err = read_info(descriptor, &info, sizeof(info));
	close(descriptor);
	if (err)
		return -1;
	snprintf(program->name, sizeof(program->name), "%.*s", (int)strcspn(name, "-"), name);
	program->id = info.id;
	program->runs = info.run_cnt;
	program->nanoseconds = info.run_time_ns;
	return 0;
}

static int is_among(const struct program *program, const struct program *programs, int count)
{
	for (int i = 0; i < count; i++) {
		if (programs[i].id == program->id)
			return 1;
	}
	return 0;
}

int programs_read(const char *links, struct program *programs)
{
	DIR *folder = opendir(links);
	struct dirent *entry;
	char path[1024];
	int count = 0;

	if (!folder)
		return -1;
	while (count < MAX_PROGRAMS && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.' || entry->d_type == DT_DIR)
			continue;
		snprintf(path, sizeof(path), "%s/%s", links, entry->d_name);
		if (read_program(path, entry->d_name, &programs[count])) {
			count = -1;
			break;
		}
		if (!is_among(&programs[count], programs, count))
			count++;
	}
	closedir(folder);
	return count;
}
