/* SPDX-License-Identifier: Apache-2.0 */
/* More bytes than the credit, and after the end of the stream. */
#include "guest/packet.h"

void attack(void)
{
	bring_up(VSOCK, 3);
	receive_buffers(4);
	packet(REQUEST, 1000, 1, 0);
	EXPECT(used(0, 1) && received_op(0) == RESPONSE, "a connection");
	packet(REQUEST, 1001, 1, 0); /* waits for a client: nobody takes its bytes */
	EXPECT(used(0, 2) && received_op(1) == RESPONSE, "a second connection");
	for (unsigned int i = 0; i < 17; i++) {
		packet(RW, 1001, 1, 4052);
		EXPECT(used(1, (uint16_t)(i + 3)), "a packet within its credit");
	}
	EXPECT(used(0, 3) && received_op(2) == RST, "more than its credit");
}
