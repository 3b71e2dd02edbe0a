/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that are not init's, a host port that is nobody's, operations without a connection. */
#include "guest/packet.h"

void attack(void)
{
	bring_up(VSOCK, 3);
	receive_buffers(5);
	packet(REQUEST, 1024, 1, 0);
	packet(REQUEST, 0xffffffff, 1, 0);
	packet(REQUEST, 1000, 2, 0);
	packet(RW, 1001, 1, 16);
	packet(RST, 1002, 1, 0); /* never answered */
	packet(99, 1003, 1, 0);
	EXPECT(used(0, 5), "five resets were due");
	for (unsigned int i = 0; i < 5; i++)
		EXPECT(received_op(i) == RST, "an answer that is no reset");
}
