/* SPDX-License-Identifier: Apache-2.0 */
/* Connects once its last client has gone: nobody would ever end a VM whose release were forgotten. */
#include "guest/frame.h"
#include "guest/packet.h"

void attack(void)
{
	bring_up(NET, 2);
	header(0, 0, 0, 0, 0, 0);
	receive_frames(1, 512);
	send_frame(60);
	EXPECT(used(0, 1), "the frame that tells that the client has gone");
	put(NET, STATUS, 0);
	for (unsigned int r = 0; r < 2; r++)
		rings[r].avail.idx = rings[r].used.idx = 0;
	bring_up(VSOCK, 3);
	receive_buffers(1);
	packet(REQUEST, 1000, 1, 0);
	EXPECT(used(0, 1) && received_op(0) == RESPONSE, "no connection");
}
