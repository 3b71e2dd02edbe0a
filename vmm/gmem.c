/* SPDX-License-Identifier: Apache-2.0 */
/* Guest memory: bounds-checked access. See gmem.h. */
#include "gmem.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "bytes.h"

void *gmem_slice(const struct gmem *m, gpa_t gpa, size_t len)
{
	for (unsigned int i = 0; i < m->n_regions; i++) {
		const struct gmem_region *r = &m->region[i];

		if (gpa.v >= r->base && range_fits(gpa.v - r->base, len, r->size))
			return r->hva + (gpa.v - r->base);
	}
	return NULL;
}

void gmem_small_pages(const struct gmem *m, gpa_t gpa, size_t len)
{
	void *at = gmem_slice(m, gpa, len);

	if (at)
		(void)madvise(at, len, MADV_NOHUGEPAGE);
}

int gmem_read(const struct gmem *m, gpa_t gpa, void *dst, size_t len)
{
	const void *src = gmem_slice(m, gpa, len);

	if (!src)
		return -EFAULT;
	memcpy(dst, src, len);
	return 0;
}

int gmem_write(const struct gmem *m, gpa_t gpa, const void *src, size_t len)
{
	void *dst = gmem_slice(m, gpa, len);

	if (!dst)
		return -EFAULT;
	memcpy(dst, src, len);
	return 0;
}

int gmem_load16(const struct gmem *m, gpa_t gpa, uint16_t *value)
{
	uint16_t *p = gmem_slice(m, gpa, sizeof(*p));

	if (!p || gpa.v % sizeof(*p))
		return -EFAULT;
	/* virtio rings are little-endian, as are both architectures that the VMM supports. */
	*value = __atomic_load_n(p, __ATOMIC_ACQUIRE);
	return 0;
}

int gmem_store16(const struct gmem *m, gpa_t gpa, uint16_t value)
{
	uint16_t *p = gmem_slice(m, gpa, sizeof(*p));

	if (!p || gpa.v % sizeof(*p))
		return -EFAULT;
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
	return 0;
}
