/* SPDX-License-Identifier: Apache-2.0 */
/* The last bytes of memory are a good buffer. */
#include "guest/guest.h"

void attack(void)
{
	bring_up(RNG, 1);
	describe(0, 0, MEMORY - 16, 16, WRITE, 0);
	offer(RNG, 0, 0, 0);
	EXPECT(used(0, 1), "the last bytes of memory were refused");
	EXPECT(rings[0].used.e[0].len == 16, "not all of them");
}
