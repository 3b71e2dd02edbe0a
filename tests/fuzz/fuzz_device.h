/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that reads its misdeeds from the fuzzer: registers in any order and width, rings and
 * descriptors made of anything, memory written while the device works. The shortcuts (bring-up,
 * offer) are there so that the input soon gets behind the door.
 */
#ifndef NACRE_FUZZ_DEVICE_H
#define NACRE_FUZZ_DEVICE_H

#include "fuzz_loop.h"
#include "tests/unit/fake_driver.h"

#define GUEST_QUEUES 5u
#define GUEST_RINGS  (FAKE_BASE)
#define GUEST_RING   0x10000u /* room for one queue's ring, of VIRTQ_SIZE_MAX */
#define GUEST_DATA   (FAKE_BASE + GUEST_QUEUES * GUEST_RING)

struct guest {
	struct gmem mem;
	struct virtio_dev *dev;
	uint32_t n_queues;
	struct fake_driver queue[GUEST_QUEUES];
};

/* What a device's own fuzzer adds: an operation of its own. */
typedef void (*guest_extra)(struct guest *g, struct cursor *c);

static inline void guest_init(struct guest *g, struct virtio_dev *dev)
{
	CLAIM(dev->ops->n_queues <= GUEST_QUEUES);
	g->mem = fake_memory();
	g->dev = dev;
	g->n_queues = dev->ops->n_queues;
	CLAIM(mmio_attach(dev, &g->mem) == 0);
}

/* Brings the device up with rings of `size` (at most what it allows). */
static inline void guest_bring_up(struct guest *g, uint16_t size, bool event_idx)
{
	uint64_t features = FEATURE_VERSION_1 | g->dev->ops->features;

	if (event_idx)
		features |= UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX;
	driver_negotiate(g->dev, features);
	for (uint32_t q = 0; q < g->n_queues; q++) {
		uint64_t at = GUEST_RINGS + (uint64_t)q * GUEST_RING;
		uint16_t max;

		memset(gmem_slice(&g->mem, GPA(at), GUEST_RING), 0, GUEST_RING);
		max = dev_queue_size_max(g->dev, q);
		g->queue[q] = fake_driver_at(&g->mem, at, size < max ? size : max);
		driver_queue(g->dev, q, &g->queue[q]);
	}
	driver_ok(g->dev);
	fuzz_settle(1000);
}

/* Addresses with an edge to them. */
static inline uint64_t guest_address(struct cursor *c)
{
	uint8_t how = in8(c);

	switch (how & 7) {
	case 0:
		return in64(c);
	case 1:
		return FAKE_BASE + FAKE_SIZE - (how >> 3);
	case 2:
		return FAKE_BASE - (how >> 3);
	case 3:
		return UINT64_MAX - (how >> 3);
	case 4:
		return GUEST_RINGS + (uint64_t)(how >> 3) * 0x2800; /* the rings themselves */
	default:
		return GUEST_DATA + (uint64_t)(how >> 3) * 0x1000;
	}
}

static inline uint32_t guest_length(struct cursor *c)
{
	uint8_t how = in8(c);

	switch (how & 7) {
	case 0:
		return in32(c);
	case 1:
		return how >> 3;
	case 2:
		return FAKE_SIZE + 1u - (how >> 3);
	case 3:
		return UINT32_MAX - (how >> 3);
	default:
		return (uint32_t)(how >> 3) * 64;
	}
}

static inline void guest_desc(struct guest *g, struct cursor *c)
{
	struct fake_driver *d = &g->queue[in8(c) % g->n_queues];
	uint16_t i = in8(c);
	uint64_t at = guest_address(c);
	uint32_t len = guest_length(c);
	uint8_t flags = in8(c);
	uint16_t next = flags & 0x80 ? in16(c) : (uint16_t)(i + 1);

	if (d->size)
		fake_desc(d, i % d->size, at, len, flags & 0x7f, next);
}

/* Makes `head` available; with `jump` the index goes somewhere else. */
static inline void guest_offer(struct guest *g, struct cursor *c)
{
	struct fake_driver *d = &g->queue[in8(c) % g->n_queues];
	uint16_t head = in8(c);
	uint8_t jump = in8(c);

	if (!d->size)
		return;
	if (jump == 0xff)
		d->avail_idx = in16(c);
	fake_offer(d, jump & 0x80 ? in16(c) : (uint16_t)(head % d->size));
}

static inline void guest_memory(struct guest *g, struct cursor *c)
{
	uint8_t bytes[64];
	uint32_t at = in16(c) * (in8(c) & 1 ? 16u : 1u);
	size_t n = in_bytes(c, bytes, 1 + in8(c) % sizeof(bytes));

	fake_put(&g->mem, FAKE_BASE + at % (FAKE_SIZE - sizeof(bytes)), bytes, n);
}

static inline void guest_register(struct guest *g, struct cursor *c)
{
	static const uint8_t widths[8] = { 4, 4, 4, 4, 4, 1, 2, 8 };
	uint8_t how = in8(c);
	unsigned int len = widths[how & 7];
	uint64_t off = how & 0x40 ? in16(c) : (uint64_t)in8(c) << 2;
	uint8_t data[8];
	uint64_t v = how & 0x20 ? in64(c) : in8(c);

	memcpy(data, &v, sizeof(data));
	if (how & 0x10)
		mmio_read(g->dev, off, data, len);
	else
		mmio_write(g->dev, off, data, len);
}

/* Takes what came back, so that a driver which counts would go on. */
static inline void guest_take_used(struct guest *g)
{
	uint32_t id, len;

	for (uint32_t q = 0; q < g->n_queues; q++) {
		for (unsigned int n = 0; n < 300 && g->queue[q].size; n++) {
			if (!fake_used(&g->queue[q], &id, &len))
				break;
		}
	}
}

/* Whatever the guest did, this holds between two steps. */
static inline void guest_check(const struct guest *g)
{
	for (uint32_t i = 0; i < g->n_queues; i++) {
		const struct virtq *q = &g->dev->queue[i];

		if (!q->ready)
			continue;
		CLAIM(q->size && q->size <= dev_queue_size_max(g->dev, i));
		CLAIM(!(q->size & (q->size - 1)));
		CLAIM(gmem_slice(&g->mem, q->desc, 16ul * q->size));
		for (unsigned int head = q->size; head < VIRTQ_SIZE_MAX; head++)
			CLAIM(!(q->in_flight[head / 64] >> (head % 64) & 1));
	}
}

static inline uint16_t some_size(struct cursor *c)
{
	return (uint16_t)(1u << (in8(c) % 12)); /* up to VIRTQ_SIZE_MAX */
}

static inline void guest_run(struct guest *g, struct cursor *c, guest_extra extra)
{
	memset(g->mem.region[0].hva, 0, FAKE_SIZE);
	guest_bring_up(g, some_size(c), in8(c) & 1);
	for (unsigned int n = 0; in_more(c) && n < 400; n++) {
		switch (in8(c) % 12) {
		case 0:
			guest_register(g, c);
			break;
		case 1:
			guest_memory(g, c);
			break;
		case 2:
		case 3:
			guest_desc(g, c);
			break;
		case 4:
		case 5:
			guest_offer(g, c);
			break;
		case 6:
			driver_notify(g->dev, in8(c) % 4);
			break;
		case 7:
			fuzz_step();
			guest_take_used(g);
			break;
		case 8:
			guest_bring_up(g, some_size(c), in8(c) & 1);
			break;
		default:
			if (extra)
				extra(g, c);
		}
		guest_check(g);
	}
	fuzz_settle(3000);
	guest_check(g);
}

static inline void guest_reset(struct guest *g)
{
	uint64_t count;

	reg_write(g->dev, VIRTIO_MMIO_STATUS, 0);
	fuzz_settle(3000);
	(void)!read(g->dev->irq_fd, &count, sizeof(count));
}

#endif
