/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/gmem.c: two regions anywhere, any address, any length. A slice is NULL or wholly in one
 * region, and copies stay inside (CBMC's own bounds checks watch the pointers).
 */
/* SOURCES: vmm/gmem.c */
/* PROVES: prove_slice prove_copies prove_ring_fields */
/* UNWIND: 6 */
#include <errno.h>

#include "prove.h"
#include "vmm/gmem.h"

#define ROOM 16u

void prove_slice(void);
void prove_copies(void);
void prove_ring_fields(void);

static uint8_t first[ROOM], second[ROOM];

static struct gmem any_memory(void)
{
	struct gmem m = { .n_regions = any_bool() ? 2 : 1 };

	m.region[0] = (struct gmem_region){ any_u64(), any_u64(), first };
	m.region[1] = (struct gmem_region){ any_u64(), any_u64(), second };
	SUPPOSE(m.region[0].size <= ROOM && m.region[1].size <= ROOM);
	/* Regions do not wrap, and bases are even as pages are. */
	SUPPOSE(m.region[0].base <= UINT64_MAX - ROOM && m.region[1].base <= UINT64_MAX - ROOM);
	SUPPOSE(m.region[0].base % 2 == 0 && m.region[1].base % 2 == 0);
	return m;
}

static bool lies_in(const struct gmem *m, unsigned int i, uint64_t gpa, size_t len)
{
	const struct gmem_region *r = &m->region[i];

	return i < m->n_regions && gpa >= r->base &&
	       (unsigned __int128)gpa + len <= (unsigned __int128)r->base + r->size;
}

void prove_slice(void)
{
	struct gmem m = any_memory();
	uint64_t gpa = any_u64();
	size_t len = any_size();
	uint8_t *p = gmem_slice(&m, GPA(gpa), len);

	CLAIM((p != NULL) == (lies_in(&m, 0, gpa, len) || lies_in(&m, 1, gpa, len)),
	      "given exactly when it lies in one region");
	if (p && lies_in(&m, 0, gpa, len))
		CLAIM(p == first + (gpa - m.region[0].base), "of the first region");
	else if (p)
		CLAIM(p == second + (gpa - m.region[1].base), "of the second region");
	if (p && len) {
		p[0] = 1;
		p[len - 1] = 1;
	}
}

void prove_copies(void)
{
	struct gmem m = any_memory();
	uint64_t gpa = any_u64();
	uint8_t buf[4];
	size_t len = any_size();
	int r;

	SUPPOSE(len <= sizeof(buf));
	r = any_bool() ? gmem_read(&m, GPA(gpa), buf, len) : gmem_write(&m, GPA(gpa), buf, len);
	CLAIM((r == 0) == (lies_in(&m, 0, gpa, len) || lies_in(&m, 1, gpa, len)), "or -EFAULT");
	CLAIM(r == 0 || r == -EFAULT, "no other error");
}

void prove_ring_fields(void)
{
	struct gmem m = any_memory();
	uint64_t gpa = any_u64();
	uint16_t v = any_u16(), back = 0;
	int r = gmem_store16(&m, GPA(gpa), v);

	CLAIM((r == 0) == (gpa % 2 == 0 && (lies_in(&m, 0, gpa, 2) || lies_in(&m, 1, gpa, 2))),
	      "aligned and inside");
	CLAIM(gmem_load16(&m, GPA(gpa), &back) == r, "a load is refused as a store is");
	if (r == 0)
		CLAIM(back == v, "what was stored");
}
