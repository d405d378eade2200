/*
 * Loaded before libc: kills the program right after the call to the kernel's tables that CUT_AFTER counts to, so
 * that each place where it may be interrupted is met once.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>

static void count_call(void)
{
	static int calls;
	const char *limit = getenv("CUT_AFTER");

	if (limit && __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) == atoi(limit))
		raise(SIGKILL);
}

static int is_netlink(int fd)
{
	int domain = 0;
	socklen_t length = sizeof(domain);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) && domain == AF_NETLINK;
}

ssize_t send(int fd, const void *data, size_t length, int flags)
{
	ssize_t (*real)(int, const void *, size_t, int) = dlsym(RTLD_NEXT, "send");
	ssize_t sent = real(fd, data, length, flags);

	if (is_netlink(fd))
		count_call();
	return sent;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	int (*real)(int, int, int, const void *, socklen_t) = dlsym(RTLD_NEXT, "setsockopt");
	int result = real(fd, level, option, value, length);

	/* IPT_SO_SET_REPLACE and IPT_SO_SET_ADD_COUNTERS, at SOL_IP or SOL_IPV6. */
	if ((level == 0 || level == 41) && (option == 64 || option == 65))
		count_call();
	return result;
}
