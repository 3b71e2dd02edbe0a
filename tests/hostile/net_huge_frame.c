/* SPDX-License-Identifier: Apache-2.0 */
/* A chain of all of memory, many times over: no frame is that long. */
#include "guest/frame.h"

void attack(void)
{
	bring_up(NET, 2);
	header(0, 0, 0, 0, 0, 0);
	for (uint16_t i = 0; i < RING; i++)
		describe(1, i, i ? 0x300000 : (uintptr_t)buffer[0], i ? 0x1000000 : FRAME_HDR,
			 i < RING - 1 ? NEXT : 0, (uint16_t)(i + 1));
	offer(NET, 1, 1, 0);
	EXPECT(used(1, 1), "a long chain");
	EXPECT(rings[0].used.idx == 0, "a frame of a hundred megabytes");
}
