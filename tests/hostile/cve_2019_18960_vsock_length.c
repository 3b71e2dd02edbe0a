/* SPDX-License-Identifier: Apache-2.0 */
/* A packet that says it is longer than its buffer (CVE-2019-18960). */
#include "guest/guest.h"

void attack(void)
{
	static const uint32_t lens[] = { 1, 0x7fffffff, 0xffffffff, 0xffffffd4 };

	for (unsigned int i = 0; i < 4; i++) {
		volatile uint32_t *h = (volatile uint32_t *)buffer[0];

		rings[1].avail.idx = 0;
		bring_up(VSOCK, 3);
		h[0] = 3;
		h[2] = 2;
		h[4] = 1000;
		h[5] = 1;
		h[6] = lens[i];
		h[7] = 5u << 16 | 1; /* RW, stream */
		describe(1, 0, (uintptr_t)buffer[0], 44, 0, 0);
		offer(VSOCK, 1, 1, 0);
		EXPECT(needs_reset(VSOCK), "a packet longer than its buffer");
	}
}
