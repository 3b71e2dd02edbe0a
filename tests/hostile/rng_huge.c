/* SPDX-License-Identifier: Apache-2.0 */
/* A chain whose length would size an allocation or a loop. */
#include "guest/guest.h"

void attack(void)
{
	bring_up(RNG, 1);
	for (uint16_t i = 0; i < RING; i++)
		describe(0, i, 0x300000, 0x1000000, WRITE | (i < RING - 1 ? NEXT : 0),
			 (uint16_t)(i + 1));
	offer(RNG, 0, 0, 0);
	EXPECT(used(0, 1), "a long chain");
	EXPECT(rings[0].used.e[0].len <= 4096, "a guest that orders megabytes");
}
