/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of virtio-net from buffer[0]; the network sends them back. virtio 1.2 §5.1.6. */
#ifndef HOSTILE_FRAME_H
#define HOSTILE_FRAME_H

#include "guest.h"

#define FRAME_HDR 12u

/* The header's fields: flags and type, lengths, checksum. */
static inline void header(uint8_t flags, uint8_t gso_type, uint16_t hdr_len, uint16_t gso_size,
			  uint16_t csum_start, uint16_t csum_offset)
{
	volatile uint16_t *h = (volatile uint16_t *)buffer[0];

	h[0] = (uint16_t)(flags | gso_type << 8);
	h[1] = hdr_len;
	h[2] = gso_size;
	h[3] = csum_start;
	h[4] = csum_offset;
	h[5] = 0;
}

/* Sends `len` bytes behind the header. */
static inline void send_frame(uint32_t len)
{
	uint16_t i = rings[1].avail.idx % RING;

	describe(1, i, (uintptr_t)buffer[0], FRAME_HDR + len, 0, 0);
	offer(NET, 1, 1, i);
}

/* Receive buffers of `len` bytes each, one behind the other from buffer[2] on. */
static inline void receive_frames(uint16_t n, uint32_t len)
{
	for (uint16_t i = 0; i < n; i++) {
		uint16_t at = rings[0].avail.idx % RING;

		describe(0, at, (uintptr_t)buffer[2] + (uint64_t)at * len, len, WRITE, 0);
		offer(NET, 0, 0, at);
	}
}

#endif
