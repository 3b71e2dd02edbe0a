/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers of no bytes. */
#include "guest/guest.h"

void attack(void)
{
	bring_up(RNG, 1);
	describe(0, 0, 0xfffffffffffffff0ull, 0, WRITE, 0);
	offer(RNG, 0, 0, 0);
	EXPECT(used(0, 1), "an empty buffer was not returned");
	EXPECT(rings[0].used.e[0].len == 0, "bytes in an empty buffer");
}
