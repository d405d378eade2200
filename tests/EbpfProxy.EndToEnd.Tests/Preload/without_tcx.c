// SPDX-License-Identifier: Apache-2.0
// Makes a program see a kernel without tcx (before 6.6): stands before libc's syscall(), by which
// libbpf makes its calls.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <sys/syscall.h>

// BPF_TCX_INGRESS and BPF_TCX_EGRESS, which older headers have not.
#define TCX_INGRESS 46
#define TCX_EGRESS  47

static int is_tcx(long command, const union bpf_attr *attributes)
{
	// These three have the type in the same place.
	switch (command) {
	case BPF_LINK_CREATE:
	case BPF_PROG_ATTACH:
	case BPF_PROG_DETACH:
		return attributes->link_create.attach_type == TCX_INGRESS ||
		       attributes->link_create.attach_type == TCX_EGRESS;
	case BPF_PROG_QUERY:
		return attributes->query.attach_type == TCX_INGRESS ||
		       attributes->query.attach_type == TCX_EGRESS;
	default:
		return 0;
	}
}

long syscall(long number, long a, long b, long c, long d, long e, long f)
{
	static long (*next)(long, ...);

	if (number == SYS_bpf && is_tcx(a, (const union bpf_attr *)b)) {
		errno = EINVAL;
		return -1;
	}
	if (!next)
		next = dlsym(RTLD_NEXT, "syscall");
	return next(number, a, b, c, d, e, f);
}
