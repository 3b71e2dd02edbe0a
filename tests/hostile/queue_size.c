/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of no entries, of three, of too many; misaligned; outside of memory. */
#include "guest/guest.h"

static void start(uint32_t size, uint32_t desc)
{
	begin(RNG, 0);
	put(RNG, QUEUE_SEL, 0);
	put(RNG, QUEUE_NUM, size);
	put(RNG, DESC_LOW, desc);
	put(RNG, AVAIL_LOW, (uint32_t)(uintptr_t)&rings[0].avail);
	put(RNG, USED_LOW, (uint32_t)(uintptr_t)&rings[0].used);
	put(RNG, QUEUE_READY, 1);
	EXPECT(get(RNG, QUEUE_READY) == 0, "a bad ring was started");
	driver_ok(RNG);
	put(RNG, QUEUE_NOTIFY, 0);
	EXPECT(needs_reset(RNG), "a bad ring goes unnoticed");
}

void attack(void)
{
	uint32_t desc = (uint32_t)(uintptr_t)rings[0].desc;

	start(0, desc);
	start(3, desc);
	start(32768, desc);
	start(0xffffffff, desc);
	start(RING, desc + 8);
	start(RING, 0xd0000000);
	start(RING, (uint32_t)MEMORY - 16);
}
