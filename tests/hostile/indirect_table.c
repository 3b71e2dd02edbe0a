/* SPDX-License-Identifier: Apache-2.0 */
/* An indirect table, which was not offered. */
#include "guest/guest.h"

void attack(void)
{
	bring_up(RNG, 1);
	describe(0, 0, (uintptr_t)&rings[1], 128, INDIRECT, 0);
	describe(1, 0, (uintptr_t)buffer[0], 16, WRITE, 0);
	offer(RNG, 0, 0, 0);
	EXPECT(needs_reset(RNG), "an indirect table was used");
}
