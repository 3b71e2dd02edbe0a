/* SPDX-License-Identifier: Apache-2.0 */
/* Used ring, available ring and table in the same place. */
#include "guest/guest.h"

void attack(void)
{
	uint32_t at = (uint32_t)(uintptr_t)&rings[0];

	begin(RNG, 0);
	put(RNG, QUEUE_SEL, 0);
	put(RNG, QUEUE_NUM, RING);
	put(RNG, DESC_LOW, at);
	put(RNG, AVAIL_LOW, at);
	put(RNG, USED_LOW, at);
	put(RNG, QUEUE_READY, 1);
	driver_ok(RNG);
	for (uint16_t i = 1; i < 20; i++) {
		((volatile uint16_t *)(uintptr_t)at)[1] = i;
		put(RNG, QUEUE_NOTIFY, 0);
	}
	(void)get(RNG, STATUS);
}
