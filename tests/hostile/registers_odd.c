/* SPDX-License-Identifier: Apache-2.0 */
/* Registers in odd widths and places; all of them written. */
#include "guest/guest.h"

void attack(void)
{
	volatile uint8_t *base = (volatile uint8_t *)0xd0002000ul; /* rng */
	uint64_t sum = 0;

	begin(RNG, 0);
	for (uint32_t off = 0; off < 0x100; off += 4)
		put(RNG, off, 0xffffffff);
	for (uint32_t off = 0; off < 0x100; off += 13)
		sum += base[off] + *(volatile uint16_t *)(base + off);
	sum += *(volatile uint64_t *)(base + 0x70);
	EXPECT(sum == 0, "a register was read in another width than 32 bits");
	*(volatile uint8_t *)(base + STATUS) = 4;
	*(volatile uint64_t *)(base + QUEUE_NOTIFY) = 0;
	put(RNG, STATUS, 0);
	EXPECT(get(RNG, STATUS) == 0, "a reset");
}
