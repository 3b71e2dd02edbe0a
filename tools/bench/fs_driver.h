/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of fs.c: a driver of virtio-fs on fake guest memory that asks what Linux's FUSE
 * client would ask, of whatever device it is given. One thread.
 */
#ifndef NACRE_BENCH_FS_DRIVER_H
#define NACRE_BENCH_FS_DRIVER_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/must.h"
#include "tests/unit/fake_driver.h"
#include "vmm/virtio_fs_core.h"

#define BLOCK     FS_WRITE_MAX
#define PAGES     FS_PAGES_MAX
#define SLOTS     3u /* of PAGES + 2 descriptors each, in a ring of 1024 */
#define SLOT_DESC (PAGES + 2u)
#define SLOT_SIZE (BLOCK + 0x4000u)
#define RINGS     0x20000u
#define MEMORY    (RINGS + SLOTS * SLOT_SIZE + 0x100000u)

static struct gmem mem;
static struct fake_driver drv[FS_QUEUES];
static uint16_t hiprio_head;
/* The device: how it is notified of a queue, its interrupts, and what it expects of ids. */
static struct {
	void (*notify)(uint32_t q);
	int irq_fd;
	uint32_t id;
} device;
/* Pages of a request lie in a row, as a guest that has just started gives them; or no two do. */
static bool scattered;

static double clock_s(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double now_s(void)
{
	return clock_s(CLOCK_MONOTONIC);
}

/* Seconds. Driver, device and its workers are one process, the host's own calls are its, too. */
struct cost {
	double wall, cpu;
};

static struct cost cost_now(void)
{
	return (struct cost){now_s(), clock_s(CLOCK_PROCESS_CPUTIME_ID)};
}

static struct cost cost_since(struct cost began)
{
	struct cost now = cost_now();

	return (struct cost){now.wall - began.wall, now.cpu - began.cpu};
}

/* ---- the driver ---- */

struct request {
	struct fuse_in_header hdr;
	uint8_t body[512];
};

static uint64_t slot_gpa(uint32_t slot)
{
	return FAKE_BASE + RINGS + (uint64_t)slot * SLOT_SIZE;
}

/* In a slot: the request, at 0x1000 the answer's header and body, at 0x4000 the pages. */
static void describe_pages(uint32_t slot, uint16_t first, uint32_t len, uint16_t flags)
{
	for (uint32_t done = 0, i = 0; done < len; done += 4096, i++) {
		uint32_t page = scattered ? PAGES - 1 - i : i;
		uint64_t at = slot_gpa(slot) + 0x4000 + page * 4096ul;
		bool last = len - done <= 4096;

		fake_desc(&drv[FS_QUEUE_REQUEST], (uint16_t)(first + i), at,
			  last ? len - done : 4096, (uint16_t)(flags | (last ? 0 : FAKE_NEXT)),
			  (uint16_t)(first + i + 1));
	}
}

/* The descriptors of a slot: `len` bytes of request; data > 0: bytes behind the answer, < 0: the
 * request. */
static void describe(uint32_t slot, uint32_t len, int32_t data)
{
	struct fake_driver *d = &drv[FS_QUEUE_REQUEST];
	uint16_t at = (uint16_t)(slot * SLOT_DESC);
	uint64_t gpa = slot_gpa(slot);

	fake_desc(d, at, gpa, len, FAKE_NEXT, (uint16_t)(at + 1));
	if (data < 0) {
		uint16_t pages = (uint16_t)(((uint32_t)-data + 4095) / 4096);

		describe_pages(slot, (uint16_t)(at + 1), (uint32_t)-data, 0);
		at = (uint16_t)(at + pages);
		/* the last page goes on to the answer */
		fake_put16(&mem, d->desc + 16ul * at + 12, FAKE_NEXT);
		fake_put16(&mem, d->desc + 16ul * at + 14, (uint16_t)(at + 1));
	}
	fake_desc(d, (uint16_t)(at + 1), gpa + 0x1000,
		  data > 0 ? (uint32_t)sizeof(struct fuse_out_header) : 0x2000,
		  FAKE_WRITE | (data > 0 ? FAKE_NEXT : 0), (uint16_t)(at + 2));
	if (data > 0)
		describe_pages(slot, (uint16_t)(at + 2), (uint32_t)data, FAKE_WRITE);
}

/* How the descriptors of a slot lie there. */
static struct {
	uint32_t len;
	int32_t data;
	bool scattered;
} described[SLOTS];

/* Offers a request of a slot; a slot that is used as before has its descriptors. */
static void submit(uint32_t slot, const struct request *r, uint32_t len, int32_t data)
{
	struct fuse_in_header h = r->hdr;

	h.len = (uint32_t)sizeof(h) + len + (data < 0 ? (uint32_t)-data : 0);
	len += (uint32_t)sizeof(h);
	if (described[slot].len != len || described[slot].data != data ||
	    described[slot].scattered != scattered)
		describe(slot, len, data);
	described[slot].len = len;
	described[slot].data = data;
	described[slot].scattered = scattered;
	fake_put(&mem, slot_gpa(slot), r, len);
	fake_put(&mem, slot_gpa(slot), &h, sizeof(h));
	fake_offer(&drv[FS_QUEUE_REQUEST], (uint16_t)(slot * SLOT_DESC));
	device.notify(FS_QUEUE_REQUEST);
}

/* Waits for an answer, as an interrupt would wake the guest. The slot. */
static uint32_t complete(void)
{
	struct pollfd p = {.fd = device.irq_fd, .events = POLLIN};
	uint32_t id, len;
	uint64_t n;

	while (!fake_used(&drv[FS_QUEUE_REQUEST], &id, &len)) {
		MUST(poll(&p, 1, 10000) == 1);
		(void)!read(device.irq_fd, &n, sizeof(n));
	}
	atomic_thread_fence(memory_order_acquire);
	return id / SLOT_DESC;
}

static int answer(uint32_t slot, void *body, size_t len)
{
	struct fuse_out_header out;

	MUST(gmem_read(&mem, GPA(slot_gpa(slot) + 0x1000), &out, sizeof(out)) == 0);
	if (body && !out.error)
		MUST(gmem_read(&mem, GPA(slot_gpa(slot) + 0x1000 + sizeof(out)), body, len) == 0);
	return out.error;
}

static struct request make(uint32_t opcode, uint64_t node)
{
	static uint64_t unique;

	return (struct request){.hdr = {.opcode = opcode,
					.unique = unique += 2,
					.nodeid = node,
					.uid = device.id,
					.gid = device.id}};
}

/* A request that nobody waits for is under way in slot 1. */
static bool behind;

/* A request without data, and its answer. 0 or -errno. */
static int call(const struct request *r, uint32_t len, void *body, size_t body_len)
{
	submit(0, r, len, 0);
	while (complete() != 0)
		behind = false;
	return answer(0, body, body_len);
}

static struct fuse_entry_out lookup(uint64_t parent, const char *name)
{
	struct request r = make(FUSE_LOOKUP, parent);
	struct fuse_entry_out out;

	strcpy((char *)r.body, name);
	MUST((errno = -call(&r, (uint32_t)strlen(name) + 1, &out, sizeof(out))) == 0);
	return out;
}

static struct fuse_open_out open_node(uint64_t node, uint32_t flags)
{
	struct request r = make(FUSE_OPEN, node);
	struct fuse_open_in in = {.flags = flags};
	struct fuse_open_out out;

	memcpy(r.body, &in, sizeof(in));
	MUST((errno = -call(&r, sizeof(in), &out, sizeof(out))) == 0);
	return out;
}

/* 0 or -errno. */
static int flush(uint64_t node, uint64_t fh)
{
	struct request r = make(FUSE_FLUSH, node);
	struct fuse_flush_in in = {.fh = fh};

	memcpy(r.body, &in, sizeof(in));
	return call(&r, sizeof(in), NULL, 0);
}

static void getattr(uint64_t node)
{
	struct request r = make(FUSE_GETATTR, node);
	struct fuse_attr_out out;

	MUST((errno = -call(&r, sizeof(struct fuse_getattr_in), &out, sizeof(out))) == 0);
}

static struct request make_release(uint64_t node, uint64_t fh)
{
	struct request r = make(FUSE_RELEASE, node);
	struct fuse_release_in in = {.fh = fh};

	memcpy(r.body, &in, sizeof(in));
	return r;
}

static void release(uint64_t node, uint64_t fh)
{
	struct request r = make_release(node, fh);

	MUST((errno = -call(&r, sizeof(struct fuse_release_in), NULL, 0)) == 0);
}

/* As Linux does it: nobody waits. */
static void release_behind(uint64_t node, uint64_t fh)
{
	struct request r = make_release(node, fh);

	while (behind)
		behind = complete() != 1;
	submit(1, &r, sizeof(struct fuse_release_in), 0);
	behind = true;
}

static void wait_for_releases(void)
{
	while (behind)
		behind = complete() != 1;
}

static void forget(uint64_t node)
{
	struct request r = make(FUSE_FORGET, node);
	struct fuse_forget_in in = {.nlookup = 1};
	uint64_t at = FAKE_BASE + RINGS + SLOTS * SLOT_SIZE + hiprio_head % 64 * 128ul;
	uint32_t id, len;

	while (fake_used(&drv[FS_QUEUE_HIPRIO], &id, &len))
		;
	memcpy(r.body, &in, sizeof(in));
	r.hdr.len = sizeof(r.hdr) + sizeof(in);
	fake_put(&mem, at, &r, r.hdr.len);
	fake_desc(&drv[FS_QUEUE_HIPRIO], hiprio_head % 64, at, r.hdr.len, 0, 0);
	fake_offer(&drv[FS_QUEUE_HIPRIO], hiprio_head++ % 64);
	device.notify(FS_QUEUE_HIPRIO);
}

/* Empty rings in the memory that there is. */
static void make_rings(void)
{
	memset(described, 0, sizeof(described));
	hiprio_head = 0;
	drv[FS_QUEUE_HIPRIO] = fake_driver_at(&mem, FAKE_BASE, FS_HIPRIO_SIZE);
	drv[FS_QUEUE_REQUEST] = fake_driver_at(&mem, FAKE_BASE + 0x8000u, VIRTQ_SIZE_MAX);
}

static void init_session(void)
{
	struct fuse_init_in in = {.major = FUSE_KERNEL_VERSION,
				  .minor = 36,
				  .max_readahead = BLOCK,
				  .flags = UINT32_MAX & ~(1u << 31),
				  .flags2 = UINT32_MAX};
	struct request r = make(FUSE_INIT, 0);
	struct fuse_init_out out;

	in.flags |= FUSE_INIT_EXT | FUSE_SETXATTR_EXT;
	memcpy(r.body, &in, sizeof(in));
	MUST((errno = -call(&r, sizeof(in), &out, sizeof(out))) == 0);
}

#endif
