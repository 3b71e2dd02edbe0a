/* SPDX-License-Identifier: Apache-2.0 */
/* Receive ring empty, tap full: frames come later, and sending goes on (CVE-2020-16843). */
#include "guest/frame.h"

void attack(void)
{
	begin(NET, 1ull << 15); /* MRG_RXBUF */
	queue(NET, 0, 0);
	queue(NET, 1, 1);
	driver_ok(NET);
	header(0, 0, 0, 0, 0, 0);
	for (uint16_t n = 1; n <= 60; n++) {
		send_frame(60);
		EXPECT(used(1, n), "sending stalls while the receive ring is empty");
	}
	EXPECT(rings[0].used.idx == 0, "a frame without a buffer");
	receive_frames(4, 512);
	EXPECT(used(0, 4), "stalled for good");
	receive_frames(4, 512);
	EXPECT(used(0, 8), "stalled for good after a while");
}
