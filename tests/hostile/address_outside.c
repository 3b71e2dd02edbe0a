/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers in the holes of the address space, at registers, and half outside. */
#include "guest/guest.h"

void attack(void)
{
	static const uint64_t places[] = { 0xd0000000ull, 0xfee00000ull, MEMORY, MEMORY - 15,
					   0x100000000ull };

	for (unsigned int i = 0; i < 5; i++) {
		rings[0].avail.idx = 0;
		bring_up(RNG, 1);
		describe(0, 0, places[i], 16, WRITE, 0);
		offer(RNG, 0, 0, 0);
		EXPECT(needs_reset(RNG), "a buffer outside of memory");
	}
}
