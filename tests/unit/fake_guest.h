/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fake guest memory, and the driver's half of a split virtqueue in it, for unit tests of devices.
 * Memory is a malloc()ed block, so that AddressSanitizer sees an access one byte past it.
 */
#ifndef NACRE_TESTS_FAKE_GUEST_H
#define NACRE_TESTS_FAKE_GUEST_H

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "vmm/gmem.h"
#include "vmm/virtq.h"

#define FAKE_BASE 0x100000u
#define FAKE_SIZE 0x100000u

#define FAKE_NEXT     1u
#define FAKE_WRITE    2u
#define FAKE_INDIRECT 4u

static inline struct gmem fake_memory(void)
{
	struct gmem m = {
		.n_regions = 1,
		.region = { { .base = FAKE_BASE, .size = FAKE_SIZE, .hva = calloc(1, FAKE_SIZE) } },
	};

	assert(m.region[0].hva);
	return m;
}

static inline void fake_memory_free(struct gmem *m)
{
	free(m->region[0].hva);
}

/* The driver's side of one queue. */
struct fake_driver {
	struct gmem *mem;
	uint64_t desc, avail, used; /* guest-physical */
	uint16_t size;
	uint16_t avail_idx, seen_used;
};

/* Lays a ring out at `at` (8 KiB are enough for 256 entries). */
static inline struct fake_driver fake_driver_at(struct gmem *mem, uint64_t at, uint16_t size)
{
	return (struct fake_driver){
		.mem = mem,
		.desc = at,
		.avail = at + 16ul * size,
		.used = (at + 16ul * size + 2ul * size + 6 + 3) & ~3ul,
		.size = size,
	};
}

static inline void fake_put(const struct gmem *m, uint64_t gpa, const void *p, size_t len)
{
	int r = gmem_write(m, GPA(gpa), p, len);

	assert(r == 0);
	(void)r;
}

static inline void fake_put16(const struct gmem *m, uint64_t gpa, uint16_t v)
{
	struct le16 x = le16_of(v);

	fake_put(m, gpa, &x, sizeof(x));
}

static inline uint16_t fake_get16(const struct gmem *m, uint64_t gpa)
{
	struct le16 x;
	int r = gmem_read(m, GPA(gpa), &x, sizeof(x));

	assert(r == 0);
	(void)r;
	return le16_get(x);
}

static inline void fake_desc(struct fake_driver *d, uint16_t i, uint64_t gpa, uint32_t len,
			     uint16_t flags, uint16_t next)
{
	struct le64 a = le64_of(gpa);
	struct le32 l = le32_of(len);

	fake_put(d->mem, d->desc + 16ul * i, &a, sizeof(a));
	fake_put(d->mem, d->desc + 16ul * i + 8, &l, sizeof(l));
	fake_put16(d->mem, d->desc + 16ul * i + 12, flags);
	fake_put16(d->mem, d->desc + 16ul * i + 14, next);
}

/* Makes the chain at `head` available. */
static inline void fake_offer(struct fake_driver *d, uint16_t head)
{
	fake_put16(d->mem, d->avail + 4 + 2ul * (d->avail_idx % d->size), head);
	fake_put16(d->mem, d->avail + 2, ++d->avail_idx);
}

/* The next used element; false when there is none. */
static inline bool fake_used(struct fake_driver *d, uint32_t *id, uint32_t *len)
{
	struct le32 x[2];

	if (fake_get16(d->mem, d->used + 2) == d->seen_used)
		return false;
	gmem_read(d->mem, GPA(d->used + 4 + 8ul * (d->seen_used % d->size)), x, sizeof(x));
	d->seen_used++;
	*id = le32_get(x[0]);
	*len = le32_get(x[1]);
	return true;
}

/* A device-side queue that is programmed with the driver's addresses. */
static inline struct virtq fake_queue(const struct fake_driver *d)
{
	return (struct virtq){
		.desc = GPA(d->desc), .avail = GPA(d->avail), .used = GPA(d->used), .size = d->size
	};
}

#endif
