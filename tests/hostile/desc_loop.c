/* SPDX-License-Identifier: Apache-2.0 */
/* A chain that is a ring. */
#include "guest/guest.h"

void attack(void)
{
	bring_up(RNG, 1);
	describe(0, 0, (uintptr_t)buffer[0], 16, WRITE | NEXT, 1);
	describe(0, 1, (uintptr_t)buffer[0], 16, WRITE | NEXT, 0);
	offer(RNG, 0, 0, 0);
	EXPECT(needs_reset(RNG), "a loop was followed");
	EXPECT(rings[0].used.idx == 0, "a loop was completed");
}
