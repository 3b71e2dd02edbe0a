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
#define SLOT_DESC (PAGES + 2u)
#define SLOTS     (VIRTQ_SIZE_MAX / SLOT_DESC) /* large requests that the ring has room for: 7 */
#define SLOT_SIZE 0x4000u
#define RINGS     0x20000u
#define FORGETS   (FAKE_BASE + RINGS + SLOTS * SLOT_SIZE)
#define FORGETS_MAX 64u
#define MEMORY    0x100000u /* rings and requests; behind it lies what is read and written */

static struct gmem mem;
static struct fake_driver drv[FS_QUEUES];
static uint16_t hiprio_head;
/* The device: how it is notified of a queue, its interrupts, and what it expects of ids. */
struct device {
	void (*notify)(uint32_t q);
	int irq_fd;
	uint32_t id;
	bool event_idx; /* VIRTIO_F_EVENT_IDX was negotiated */
	bool no_flush; /* what it said of FLUSH */
};
static struct device device;
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

#define FEATURES (FEATURE_VERSION_1 | UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX)

/*
 * The request that was offered last is notified of unless the device has said that it is about to look, as by
 * Linux's virtqueue_kick_prepare().
 */
static void notify(uint32_t q)
{
	const struct fake_driver *d = &drv[q];

	atomic_thread_fence(memory_order_seq_cst);
	if (!device.event_idx ||
	    fake_get16(&mem, d->used + 4 + 8ul * d->size) == (uint16_t)(d->avail_idx - 1))
		device.notify(q);
}

/*
 * Asks for an interrupt at the next answer. Linux does so when it has found no more of them
 * (virtqueue_enable_cb()), and wants none while it takes answers: whoever asks only now does the same.
 */
static void want_interrupt(uint32_t q)
{
	fake_put16(&mem, drv[q].avail + 4 + 2ul * drv[q].size, drv[q].seen_used);
	atomic_thread_fence(memory_order_seq_cst);
}

struct request {
	struct fuse_in_header hdr;
	uint8_t body[512];
};

static uint64_t slot_gpa(uint32_t slot)
{
	return FAKE_BASE + RINGS + (uint64_t)slot * SLOT_SIZE;
}

/*
 * Where a block of a file lies in memory. Each has its own place, as in the page cache of a guest: three
 * buffers that are used again and again would stay in the processor's cache.
 */
static uint64_t block_gpa(uint64_t off)
{
	return FAKE_BASE + MEMORY + off;
}

static void put_desc(uint16_t i, uint64_t gpa, uint32_t len, uint16_t flags)
{
	struct fake_driver *d = &drv[FS_QUEUE_REQUEST];
	struct vring_desc desc = {.addr = gpa, .len = len, .flags = flags, .next = (uint16_t)(i + 1)};

	memcpy(mem.region[0].hva + (d->desc - FAKE_BASE) + sizeof(desc) * i, &desc, sizeof(desc));
}

/* The block at `data` as descriptors of one page each. The next one's number. */
static uint16_t put_block(uint16_t at, uint64_t data, uint16_t flags, bool last)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		uint32_t page = scattered ? PAGES - 1 - i : i;

		put_desc(at++, data + page * 4096ul, 4096,
			 (uint16_t)(flags | (last && i == PAGES - 1 ? 0 : FAKE_NEXT)));
	}
	return at;
}

enum direction { NO_DATA, TO_DEVICE, FROM_DEVICE };

/*
 * The descriptors of a request of `len` bytes. In a slot lie the request and, at 0x1000, the answer;
 * `data` is the block that follows the one or the other.
 */
static void describe(uint32_t slot, uint32_t len, enum direction direction, uint64_t data)
{
	uint16_t at = (uint16_t)(slot * SLOT_DESC);

	put_desc(at++, slot_gpa(slot), len, FAKE_NEXT);
	if (direction == TO_DEVICE)
		at = put_block(at, data, FAKE_NEXT, false);
	if (direction == FROM_DEVICE) {
		put_desc(at++, slot_gpa(slot) + 0x1000, sizeof(struct fuse_out_header),
			 FAKE_WRITE | FAKE_NEXT);
		put_block(at, data, FAKE_WRITE, true);
	} else {
		put_desc(at, slot_gpa(slot) + 0x1000, 0x2000, FAKE_WRITE);
	}
}

/* Offers a request: header and `len` bytes of body. */
static void submit(uint32_t slot, const struct request *r, uint32_t len, enum direction direction,
		   uint64_t data)
{
	struct fuse_in_header h = r->hdr;

	len += (uint32_t)sizeof(h);
	h.len = len + (direction == TO_DEVICE ? BLOCK : 0);
	describe(slot, len, direction, data);
	fake_put(&mem, slot_gpa(slot), r, len);
	fake_put(&mem, slot_gpa(slot), &h, sizeof(h));
	fake_offer(&drv[FS_QUEUE_REQUEST], (uint16_t)(slot * SLOT_DESC));
	notify(FS_QUEUE_REQUEST);
}

/* Waits for an answer, as an interrupt would wake the guest. The slot. */
static uint32_t complete(void)
{
	uint32_t id, len;
	uint64_t n;

	while (!fake_used(&drv[FS_QUEUE_REQUEST], &id, &len)) {
		want_interrupt(FS_QUEUE_REQUEST);
		if (fake_used(&drv[FS_QUEUE_REQUEST], &id, &len))
			break;
		MUST(read(device.irq_fd, &n, sizeof(n)) == sizeof(n));
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
	submit(0, r, len, NO_DATA, 0);
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
	submit(1, &r, sizeof(struct fuse_release_in), NO_DATA, 0);
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
	uint64_t at = FORGETS + hiprio_head % FORGETS_MAX * 128ul;
	uint32_t id, len;

	/* Those that were taken; one at least when there is no room for another. */
	while (fake_used(&drv[FS_QUEUE_HIPRIO], &id, &len) ||
	       (uint16_t)(hiprio_head - drv[FS_QUEUE_HIPRIO].seen_used) == FORGETS_MAX)
		;
	want_interrupt(FS_QUEUE_HIPRIO);
	memcpy(r.body, &in, sizeof(in));
	r.hdr.len = sizeof(r.hdr) + sizeof(in);
	fake_put(&mem, at, &r, r.hdr.len);
	fake_desc(&drv[FS_QUEUE_HIPRIO], hiprio_head % FORGETS_MAX, at, r.hdr.len, 0, 0);
	fake_offer(&drv[FS_QUEUE_HIPRIO], hiprio_head++ % FORGETS_MAX);
	notify(FS_QUEUE_HIPRIO);
}

/* Empty rings in the memory that there is. */
static void make_rings(void)
{
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

	/* Its interrupts are waited for by reading them. */
	MUST(fcntl(device.irq_fd, F_SETFL, 0) == 0);
	in.flags |= FUSE_INIT_EXT | FUSE_SETXATTR_EXT;
	memcpy(r.body, &in, sizeof(in));
	MUST((errno = -call(&r, sizeof(in), &out, sizeof(out))) == 0);
}

/* Everything about a device and its driver: one is in use, another may lie aside. */
struct side {
	struct gmem mem;
	struct fake_driver drv[FS_QUEUES];
	uint16_t hiprio_head;
	struct device device;
};

static void put_aside(struct side *s)
{
	*s = (struct side){.mem = mem, .hiprio_head = hiprio_head, .device = device};
	memcpy(s->drv, drv, sizeof(drv));
}

static void take_up(const struct side *s)
{
	mem = s->mem;
	hiprio_head = s->hiprio_head;
	device = s->device;
	memcpy(drv, s->drv, sizeof(drv));
}

static void take_up_instead(struct side *aside, const struct side *s)
{
	put_aside(aside);
	take_up(s);
}

#endif
