/* SPDX-License-Identifier: Apache-2.0 */
/* The guest kernel's own log. See klog.h. */
#include "klog.h"

#include <assert.h>

#include "arch/arch.h"
#include "bytes.h"

/* Linux fs/pstore/ram_core.c, struct persistent_ram_buffer: the layout, in guest byte order. */
struct ramoops_zone {
	struct le32 signature;
	struct le32 start; /* where the next byte goes */
	struct le32 size;  /* bytes that are valid */
};
static_assert(sizeof(struct ramoops_zone) == 12, "layout of ramoops");

#define ZONE_SIGNATURE 0x43474244u

uint32_t klog_read(const struct gmem *mem, uint8_t *buf, size_t size)
{
	uint64_t base = arch_klog_base();
	uint32_t room = arch_klog_size() - (uint32_t)sizeof(struct ramoops_zone);
	struct ramoops_zone zone;
	uint32_t start, valid, n;

	if (!mem || gmem_read(mem, GPA(base), &zone, sizeof(zone)))
		return 0;
	start = le32_get(zone.start);
	valid = le32_get(zone.size);
	if (le32_get(zone.signature) != ZONE_SIGNATURE || valid > room || start > room)
		return 0;
	n = valid < size ? valid : (uint32_t)size;
	for (uint32_t i = 0; i < n; i++) {
		/* Byte i of the last n: `start` is one past the newest; the buffer wraps when full. */
		uint32_t newest = valid == room ? start : valid;
		uint32_t at = (newest + room - n + i) % room;

		if (gmem_read(mem, GPA(base + sizeof(zone) + at), &buf[i], 1))
			return i;
	}
	return n;
}
