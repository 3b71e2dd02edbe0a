/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that ask the host for what was not negotiated, or lie about the frame. */
#include "guest/frame.h"

void attack(void)
{
	uint16_t n = 0;

	bring_up(NET, 2);
	receive_frames(RING, 512);
	for (unsigned int gso = 0; gso < 256; gso += 3) {
		header((uint8_t)(gso >> 2), (uint8_t)gso, 0xffff, (uint16_t)gso, 0xffff, 0xffff);
		if (gso < 4)
			continue;
		send_frame(100);
		EXPECT(used(1, ++n), "a frame with a bad header");
	}
	header(1, 0, 0, 0, 34, 16);
	send_frame(100);
	EXPECT(used(1, ++n), "a checksum that was not negotiated");
	EXPECT(rings[0].used.idx == 0, "a bad frame went out");
	header(0, 0, 0, 0, 0, 0);
	send_frame(13);
	send_frame(100);
	EXPECT(used(1, (uint16_t)(n + 2)) && used(0, 1), "a good frame behind bad ones");
	EXPECT(rings[0].used.e[0].len == 112, "the length of the good frame");
}
