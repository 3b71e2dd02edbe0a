/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of vmm/virtio_fs*.c: both devices on fake guest memory, a loop that runs when the
 * test says so, and the test itself in the place of nacre-fsd.
 */
#ifndef NACRE_TEST_VIRTIO_FS_HARNESS_H
#define NACRE_TEST_VIRTIO_FS_HARNESS_H

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker_inbox.h"
#include "fake_driver.h"
#include "vmm/virtio_fs_core.h"

#define RING_ENTRIES 256u
#define DATA         (FAKE_BASE + 0x10000u)
#define SLOT         0x800u /* bytes of guest memory per request */

/* The loop of this test: sources in a table, polled by pump(). */
static struct loop_source *sources[16];

int loop_add(struct loop_source *src, int fd, uint32_t events, loop_fn fn, void *ctx)
{
	*src = (struct loop_source){.fd = fd, .events = events, .fn = fn, .ctx = ctx};
	for (size_t i = 0; i < 16; i++) {
		if (!sources[i]) {
			sources[i] = src;
			return 0;
		}
	}
	return -ENOSPC;
}

void loop_arm(struct loop_source *src, uint32_t events)
{
	src->events = events;
}

void loop_remove(struct loop_source *src)
{
	for (size_t i = 0; i < 16; i++) {
		if (sources[i] == src)
			sources[i] = NULL;
	}
	src->fd = -1;
}

static void (*idle)(void);

void loop_when_idle(void (*fn)(void))
{
	idle = fn;
}

/* Runs what is ready; true if there was anything. */
static bool pump_once(int ms)
{
	struct pollfd p[16];
	struct loop_source *src[16];
	int n = 0;

	for (size_t i = 0; i < 16; i++) {
		if (!sources[i] || !sources[i]->events)
			continue;
		src[n] = sources[i];
		p[n++] = (struct pollfd){.fd = sources[i]->fd, .events = (short)sources[i]->events};
	}
	if (poll(p, (nfds_t)n, ms) <= 0) {
		void (*fn)(void) = idle;

		idle = NULL;
		if (fn)
			fn();
		return fn && !idle; /* one that asks for more has to wait for something */
	}
	for (int i = 0; i < n; i++) {
		uint64_t count;

		if (!p[i].revents || src[i]->fd != p[i].fd)
			continue;
		/* An edge is over once it was reported. */
		if (src[i]->events & EPOLLET)
			(void)!read(p[i].fd, &count, sizeof(count));
		src[i]->fn(src[i]->ctx, (uint32_t)p[i].revents);
	}
	return true;
}

static void pump(void)
{
	while (pump_once(0))
		;
}

static struct gmem mem;
static struct virtio_dev dev[BROKER_CLASS_COUNT];
static struct fake_driver drv[BROKER_CLASS_COUNT][FS_QUEUES];
static int fsd_end[2]; /* the test's ends of the brokers' sockets */
static int n_lost;
static int fds_before;
static uint16_t next_head[BROKER_CLASS_COUNT][FS_QUEUES];

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void on_lost(uint32_t container)
{
	(void)container;
	n_lost++;
}

/* Container numbers of the two brokers. */
static const uint32_t containers[2] = {0, 5};

static void bring_up(enum broker_class class)
{
	assert_true(driver_negotiate(&dev[class], FEATURE_VERSION_1) & VIRTIO_CONFIG_S_FEATURES_OK);
	for (uint32_t q = 0; q < FS_QUEUES; q++) {
		uint64_t at = FAKE_BASE + 0x2000u * (2 * (uint32_t) class + q);

		memset(gmem_slice(&mem, GPA(at), 0x2000), 0, 0x2000);
		drv[class][q] = fake_driver_at(&mem, at, RING_ENTRIES);
		driver_queue(&dev[class], q, &drv[class][q]);
		next_head[class][q] = 0;
	}
	driver_ok(&dev[class]);
	assert_true(dev_is_live(&dev[class]));
	pump();
}

/* Where request `n` of a device lies: its readable part, and 1 KiB behind it its writable one. */
static uint64_t slot_at(enum broker_class class, uint16_t n)
{
	return DATA + SLOT * ((uint64_t)n % 128 + 128ul * class);
}

struct req {
	struct fuse_in_header hdr;
	uint8_t body[900];
};

/*
 * Offers a request: header and body in one readable piece, `room` bytes writable. Two descriptors
 * per request, so at most 128 may be under way per queue. Returns the head.
 */
static uint16_t offer(enum broker_class class, uint32_t q, const struct req *r, uint32_t len,
		      uint32_t room)
{
	struct fake_driver *d = &drv[class][q];
	uint16_t n = next_head[class][q]++;
	uint16_t head = (uint16_t)(2 * (n % 128));
	uint64_t at = slot_at(class, n);

	fake_put(&mem, at, r, len);
	fake_desc(d, head, at, len, room ? FAKE_NEXT : 0, (uint16_t)(head + 1));
	fake_desc(d, (uint16_t)(head + 1), at + 0x400, room, FAKE_WRITE, 0);
	fake_offer(d, head);
	return head;
}

static uint64_t unique_now;

static struct req make(uint32_t op, uint64_t node, const void *body, size_t len)
{
	struct req r = {.hdr = {.len = (uint32_t)(sizeof(r.hdr) + len),
				.opcode = op,
				.unique = ++unique_now,
				.nodeid = node,
				.uid = 1,
				.gid = 2}};

	assert_true(len <= sizeof(r.body));
	if (len)
		memcpy(r.body, body, len);
	return r;
}

/* The next answer on a queue; waits for workers. Its length, or -1 after two seconds without. */
static int await_used(enum broker_class class, uint32_t q, uint32_t *head)
{
	uint32_t len;

	for (int i = 0; i < 2000; i++) {
		pump();
		pthread_mutex_lock(&dev[class].lock);
		bool got = fake_used(&drv[class][q], head, &len);
		pthread_mutex_unlock(&dev[class].lock);
		if (got)
			return (int)len;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return -1;
}

static struct {
	struct fuse_out_header hdr;
	uint8_t body[0x400 - sizeof(struct fuse_out_header)];
} answer;

/* Reads the answer behind `head`; its error. The k-th request of the queue has that head. */
static int read_answer(enum broker_class class, uint32_t head, int used_len)
{
	gmem_read(&mem, GPA(slot_at(class, (uint16_t)(head / 2)) + 0x400), &answer, sizeof(answer));
	assert_int_equal(answer.hdr.len, used_len);
	return answer.hdr.error;
}

/* Offers, notifies and waits; the error of the answer. */
static int ask(enum broker_class class, const struct req *r, uint32_t room)
{
	uint32_t head;
	int len;

	offer(class, FS_QUEUE_REQUEST, r, r->hdr.len, room);
	driver_notify(&dev[class], FS_QUEUE_REQUEST);
	len = await_used(class, FS_QUEUE_REQUEST, &head);
	assert_true(len >= (int)sizeof(answer.hdr));
	len = read_answer(class, head, len);
	assert_true(answer.hdr.unique == r->hdr.unique);
	return len;
}

static int ask_op(enum broker_class class, uint32_t op, uint64_t node, const void *body, size_t len)
{
	struct req r = make(op, node, body, len);

	return ask(class, &r, 0x400);
}

static int session_init(enum broker_class class)
{
	struct fuse_init_in in = {
		.major = 7, .minor = 38, .max_readahead = 128 * 1024, .flags = UINT32_MAX};

	return ask_op(class, FUSE_INIT, 0, &in, sizeof(in));
}

/* The test as nacre-fsd. */
static struct {
	struct broker_header broker;
	struct fuse_in_header hdr;
	uint8_t body[BROKER_MSG_MAX];
} got;

static struct broker_inbox inbox[2];

/* Takes a request that the device sent; its length, or -1. */
static inline int fsd_receive(int which)
{
	return (int)broker_take(&inbox[which], fsd_end[which], &got);
}

/* Answers with `n_fds` descriptors. */
static inline void fsd_send(int which, uint32_t tag, uint64_t unique, int error, const void *body,
			    size_t len, const int *fds, int n_fds)
{
	struct {
		struct broker_header broker;
		struct fuse_out_header hdr;
	} h = {.broker = {.tag = tag},
	       .hdr = {.len = (uint32_t)(sizeof(h.hdr) + len), .error = error, .unique = unique}};
	struct iovec iov[2] = {{&h, sizeof(h)}, {NULL, len}};
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {0};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
	void *copy = malloc(len ? len : 1);

	if (len)
		memcpy(copy, body, len);
	iov[1].iov_base = copy;
	if (n_fds) {
		struct cmsghdr *c;

		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE((size_t)n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN((size_t)n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, (size_t)n_fds * sizeof(int));
	}
	assert_true(sendmsg(fsd_end[which], &m, 0) > 0);
	free(copy);
}

/* Answers the packet in `got`. */
static inline void fsd_reply(int which, int error, const void *body, size_t len)
{
	fsd_send(which, got.broker.tag, got.hdr.unique, error, body, len, NULL, 0);
}

/* Opens a file through the device: the test donates fd, and closes it, as handle fh. */
static inline int open_as(enum broker_class class, uint32_t flags, uint64_t fh, int fd)
{
	struct fuse_open_in in = {.flags = flags};
	struct fuse_open_out out = {.fh = fh};
	struct req r = make(FUSE_OPEN, broker_root_node(0) + 1, &in, sizeof(in));
	uint32_t head;
	int len;

	offer(class, FS_QUEUE_REQUEST, &r, r.hdr.len, 0x400);
	driver_notify(&dev[class], FS_QUEUE_REQUEST);
	pump();
	assert_true(fsd_receive(0) > 0);
	fsd_send(0, got.broker.tag, got.hdr.unique, 0, &out, sizeof(out), &fd, fd >= 0);
	if (fd >= 0)
		close(fd);
	len = await_used(class, FS_QUEUE_REQUEST, &head);
	assert_true(len > 0);
	return read_answer(class, head, len);
}

static inline int temporary(int flags)
{
	char path[] = "/tmp/nacre-test-XXXXXX";
	int made = mkstemp(path), fd;

	assert_true(made >= 0);
	fd = open(path, flags | O_CLOEXEC);
	close(made);
	unlink(path);
	assert_true(fd >= 0);
	return fd;
}

static int setup(void **state)
{
	memset(inbox, 0, sizeof(inbox));
	(void)state;
	fds_before = count_fds();
	n_lost = 0;
	mem = fake_memory();
	memset(sources, 0, sizeof(sources));
	for (uint32_t c = 0; c < BROKER_CLASS_COUNT; c++) {
		assert_int_equal(virtio_fs_init(&dev[c], c), 0);
		assert_int_equal(mmio_attach(&dev[c], &mem), 0);
	}
	for (int i = 0; i < 2; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		fsd_end[i] = pair[0];
		assert_int_equal(virtio_fs_add_broker(containers[i], pair[1], on_lost), 0);
	}
	bring_up(BROKER_CLASS_ROOT);
	bring_up(BROKER_CLASS_VOLUME);
	for (uint32_t c = 0; c < BROKER_CLASS_COUNT; c++)
		assert_int_equal(session_init(c), 0);
	while (fsd_receive(0) > 0 || fsd_receive(1) > 0)
		;
	return 0;
}

static int teardown(void **state)
{
	uint64_t used = 0;

	(void)state;
	for (int i = 0; i < 2; i++)
		close(fsd_end[i]);
	/* The brokers are lost now: everything they had is given back, no descriptor stays behind.
	 */
	for (int i = 0; i < 100 && n_lost < 2; i++)
		pump_once(10);
	assert_int_equal(n_lost, 2);
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&fs.lock);
		used = 0;
		for (size_t w = 0; w < BROKER_TAGS / 64; w++)
			used |= fs.tags_used[w];
		pthread_mutex_unlock(&fs.lock);
		if (!used)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	assert_true(used == 0);
	for (uint32_t c = 0; c < BROKER_CLASS_COUNT; c++) {
		pthread_mutex_lock(&dev[c].lock);
		for (uint32_t q = 0; q < FS_QUEUES; q++) {
			loop_remove(&dev[c].kick[q].src);
			close(dev[c].kick[q].fd);
		}
		close(dev[c].irq_fd);
		pthread_mutex_unlock(&dev[c].lock);
	}
	assert_int_equal(count_fds(), fds_before);
	fake_memory_free(&mem);
	return 0;
}

static void confine_nothing(void)
{
}

static int start_workers(void **state)
{
	(void)state;
	return virtio_fs_start_workers(confine_nothing);
}

#define FS_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define ROOT        BROKER_CLASS_ROOT
#define VOLUME      BROKER_CLASS_VOLUME

#endif
