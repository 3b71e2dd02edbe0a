/* SPDX-License-Identifier: Apache-2.0 */
/* Streams opened without end (CVE-2016-5403, CVE-2020-10717). */
#include "guest/packet.h"

void attack(void)
{
	bring_up(VSOCK, 3);
	/* No receive buffers: what the device owes has to be bounded, and its queue waits. */
	for (uint32_t i = 0; i < 60; i++) {
		packet(REQUEST, 900 + i, 1, 0);
		if ((uint16_t)(rings[1].avail.idx - rings[1].used.idx) >= RING)
			break;
	}
	EXPECT(rings[1].avail.idx - rings[1].used.idx >= 1, "every packet was taken");
	EXPECT(!(get(VSOCK, STATUS) & S_NEEDS_RESET), "a queue that is full is no violation");
}
