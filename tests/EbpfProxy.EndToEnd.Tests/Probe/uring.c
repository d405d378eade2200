// SPDX-License-Identifier: Apache-2.0
/* io_uring without its library: one request at a time. */
#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

struct ring {
	int fd;
	struct io_uring_params params;
	char *submissions;
	char *completions;
	struct io_uring_sqe *entries;
};

static int ring_open(struct ring *ring)
{
	struct io_uring_params *p = &ring->params;

	memset(ring, 0, sizeof(*ring));
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, p);
	if (tried("io_uring_setup", ring->fd) < 0)
		return -1;
	ring->submissions = mmap(NULL, p->sq_off.array + p->sq_entries * sizeof(__u32),
				 PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQ_RING);
	ring->completions = mmap(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
				 PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
	ring->entries = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe),
			     PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_SQES);
	return 0;
}

/* Runs one request to its end; its result, with errno set where it is negative. */
static int ring_run(struct ring *ring, const char *name, const struct io_uring_sqe *request)
{
	struct io_uring_params *p = &ring->params;
	__u32 *tail = (__u32 *)(ring->submissions + p->sq_off.tail);
	__u32 *head = (__u32 *)(ring->completions + p->cq_off.head);
	struct io_uring_cqe *results = (struct io_uring_cqe *)(ring->completions + p->cq_off.cqes);
	__u32 index = *tail & (p->sq_entries - 1);
	int result;

	ring->entries[index] = *request;
	((__u32 *)(ring->submissions + p->sq_off.array))[index] = index;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return tried("io_uring_enter", -1);
	result = results[*head & (p->cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	if (result >= 0)
		return result;
	errno = -result;
	return tried(name, -1);
}

bool uring_is_available(void)
{
	struct io_uring_params params = {0};
	int fd = (int)syscall(SYS_io_uring_setup, 1, &params);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

int uring_ask(int fd, const struct endpoint *endpoint, char answer[ANSWER_SIZE])
{
	struct io_uring_sqe connecting = {
		.opcode = IORING_OP_CONNECT,
		.fd = fd,
		.addr = (__u64)(unsigned long)&endpoint->address,
		.off = endpoint->length,
	};
	struct io_uring_sqe sending = {
		.opcode = IORING_OP_SEND, .fd = fd, .addr = (__u64)(unsigned long)"?\n", .len = 2};
	struct io_uring_sqe receiving = {.opcode = IORING_OP_RECV,
					 .fd = fd,
					 .addr = (__u64)(unsigned long)answer,
					 .len = ANSWER_SIZE};
	struct ring ring;
	int got;

	if (ring_open(&ring) < 0 || ring_run(&ring, "connect", &connecting) < 0 ||
	    ring_run(&ring, "send", &sending) < 0)
		return -1;
	got = ring_run(&ring, "recv", &receiving);
	if (got <= 0)
		return -1;
	answer[got - 1] = '\0';
	close(ring.fd);
	return 0;
}
