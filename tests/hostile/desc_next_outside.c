/* SPDX-License-Identifier: Apache-2.0 */
/* A chain that leaves the descriptor table, and a head that was never in it. */
#include "guest/guest.h"

void attack(void)
{
	bring_up(RNG, 1);
	describe(0, 0, (uintptr_t)buffer[0], 16, WRITE | NEXT, RING);
	offer(RNG, 0, 0, 0);
	EXPECT(needs_reset(RNG), "next outside of the table");
	rings[0].avail.idx = 0;
	bring_up(RNG, 1);
	offer(RNG, 0, 0, 0xffff);
	EXPECT(needs_reset(RNG), "head outside of the table");
}
