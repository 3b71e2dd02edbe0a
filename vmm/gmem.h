/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory. Nothing else in the VMM turns a guest-physical address into a pointer.
 *
 * gpa_t is a struct: it cannot be dereferenced, added to or compared by accident. Every access is
 * checked against the regions; one access never crosses from one region into the next. Data is
 * copied once and the copy is what gets checked: the guest's other vCPUs may change memory at any
 * moment. gmem_slice() alone hands out a pointer, for the kernel's eyes only (preadv, readv and the
 * like), never to be read by us.
 *
 * All functions may be called from any thread, before and after confinement.
 */
#ifndef NACRE_VMM_GMEM_H
#define NACRE_VMM_GMEM_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
	uint64_t v;
} gpa_t;

#define GPA(x) ((gpa_t){ (uint64_t)(x) })

#define GMEM_REGIONS_MAX 2

struct gmem_region {
	uint64_t base; /* guest-physical, page-aligned */
	uint64_t size; /* bytes */
	uint8_t *hva;
};

struct gmem {
	unsigned int n_regions;
	struct gmem_region region[GMEM_REGIONS_MAX];
};

/* Copies len bytes at gpa to dst. 0, or -EFAULT when any of them is not guest RAM. */
int gmem_read(const struct gmem *m, gpa_t gpa, void *dst, size_t len);

/* Copies len bytes from src to gpa. 0, or -EFAULT when any of them is not guest RAM. */
int gmem_write(const struct gmem *m, gpa_t gpa, const void *src, size_t len);

/*
 * Has [gpa, gpa + len) made of small pages, where it is RAM: for what hardly anything will be written to.
 * Advice: it may have no effect.
 */
void gmem_small_pages(const struct gmem *m, gpa_t gpa, size_t len);

/* Host address of [gpa, gpa + len), or NULL when any of it is not guest RAM. For system calls only. */
void *gmem_slice(const struct gmem *m, gpa_t gpa, size_t len);

/*
 * One 16-bit little-endian ring field at gpa, which must be 2-byte aligned. load has acquire, store
 * release semantics (virtio 1.2 §2.7.13: barriers around the ring indices). 0 or -EFAULT.
 */
int gmem_load16(const struct gmem *m, gpa_t gpa, uint16_t *value);
int gmem_store16(const struct gmem *m, gpa_t gpa, uint16_t value);

#endif
