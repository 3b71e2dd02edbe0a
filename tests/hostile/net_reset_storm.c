/* SPDX-License-Identifier: Apache-2.0 */
/* Resets while frames are on their way both ways. */
#include "guest/frame.h"

void attack(void)
{
	for (unsigned int i = 0; i < 40; i++) {
		for (unsigned int r = 0; r < 2; r++)
			rings[r].avail.idx = rings[r].used.idx = 0;
		bring_up(NET, 2);
		header(0, 0, 0, 0, 0, 0);
		receive_frames(i % RING, 64);
		send_frame(200 + i);
		send_frame(60);
		put(NET, STATUS, 0);
		EXPECT(get(NET, STATUS) == 0, "a reset");
	}
}
