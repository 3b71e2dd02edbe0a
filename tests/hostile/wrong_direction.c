/* SPDX-License-Identifier: Apache-2.0 */
/* Readable where the device writes, and readable behind writable. */
#include "guest/guest.h"

void attack(void)
{
	buffer[0][0] = 0x5a;
	bring_up(RNG, 1);
	describe(0, 0, (uintptr_t)buffer[0], 16, 0, 0);
	offer(RNG, 0, 0, 0);
	EXPECT(used(0, 1) && rings[0].used.e[0].len == 0, "bytes in a buffer to be read");
	EXPECT(buffer[0][0] == 0x5a, "a buffer to be read was written");
	describe(0, 1, (uintptr_t)buffer[0], 16, WRITE | NEXT, 2);
	describe(0, 2, (uintptr_t)buffer[1], 16, 0, 0);
	offer(RNG, 0, 0, 1);
	EXPECT(needs_reset(RNG), "readable behind writable");
}
