/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of virtio-vsock from buffer[0], answers in buffer[2] onwards; virtio 1.2 §5.10.6. */
#ifndef HOSTILE_PACKET_H
#define HOSTILE_PACKET_H

#include "guest.h"

enum op { REQUEST = 1, RESPONSE = 2, RST = 3, SHUTDOWN = 4, RW = 5, CREDIT_UPDATE = 6 };

static inline void packet(enum op op, uint32_t src_port, uint32_t dst_port, uint32_t len)
{
	volatile uint32_t *h = (volatile uint32_t *)buffer[0];
	uint16_t i = rings[1].avail.idx % RING;
	static bool held_back;

	h[0] = 3;
	h[1] = 0;
	h[2] = 2;
	h[3] = 0;
	h[4] = src_port;
	h[5] = dst_port;
	h[6] = len;
	h[7] = (uint32_t)op << 16 | 1;
	h[8] = 0;
	h[9] = 65536;
	h[10] = 0;
	describe(1, i, (uintptr_t)buffer[0], 44 + len, 0, 0);
	offer(VSOCK, 1, 1, i);
	/*
	 * There is one buffer: the next packet waits until this one was taken. A device that was
	 * waited for in vain holds back, and is not waited for again.
	 */
	if (!held_back)
		held_back = !used(1, rings[1].avail.idx);
}

/* Receive buffers 2 to 2 + n - 1. */
static inline void receive_buffers(uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		describe(0, i, (uintptr_t)buffer[2 + i], 4096, WRITE, 0);
		offer(VSOCK, 0, 0, i);
	}
}

/* Operation of the i-th packet that came. */
static inline uint32_t received_op(unsigned int i)
{
	return ((volatile uint32_t *)buffer[2 + i])[7] >> 16;
}

#endif
