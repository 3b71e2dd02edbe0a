/* SPDX-License-Identifier: Apache-2.0 */
/* The receive ring was empty when something was due: it comes later (CVE-2020-16843). */
#include "guest/packet.h"

void attack(void)
{
	bring_up(VSOCK, 3);
	packet(REQUEST, 1000, 1, 0);
	packet(RW, 999, 1, 4);
	EXPECT(used(1, 2), "packets while the receive ring is empty");
	EXPECT(rings[0].used.idx == 0, "an answer without a buffer");
	receive_buffers(2);
	EXPECT(used(0, 2), "stalled for good");
}
