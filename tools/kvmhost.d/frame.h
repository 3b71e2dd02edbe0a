/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire between relay (outside the emulated host) and agent (PID 1 in it).
 *
 * One virtio-serial port carries everything in order.  A frame is a header of
 * FRAME_HEADER bytes, its type in the first and the length of what follows,
 * little-endian, in the last four, and then at most FRAME_MAX bytes.
 */
#ifndef KVMHOST_FRAME_H
#define KVMHOST_FRAME_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#define FRAME_HEADER	8
#define FRAME_MAX	65536

enum frame_type {
	FRAME_STDIN = 'I',	/* to the agent: data; length 0 is end of file */
	FRAME_CLOSE = 'C',	/* to the agent: nobody reads FRAME_STDOUT or
				 * FRAME_STDERR (one byte says which) any more */
	FRAME_READY = 'R',	/* to relay: the host is up, COMMAND starts */
	FRAME_STDOUT = 'O',	/* to relay: data */
	FRAME_STDERR = 'E',	/* to relay: data */
	FRAME_EXIT = 'X',	/* to relay: one byte, the exit status; the last */
};

/* Collects the bytes of one frame at a time. */
struct frame_reader {
	size_t have;
	uint8_t buf[FRAME_HEADER + FRAME_MAX];
};

static inline void frame_header(uint8_t *hdr, enum frame_type type, size_t len)
{
	hdr[0] = (uint8_t)type;
	hdr[1] = hdr[2] = hdr[3] = 0;
	for (int i = 0; i < 4; i++)
		hdr[4 + i] = (uint8_t)(len >> (8 * i));
}

static inline size_t frame_len(const uint8_t *hdr)
{
	return (size_t)hdr[4] | (size_t)hdr[5] << 8 | (size_t)hdr[6] << 16 |
	       (size_t)hdr[7] << 24;
}

/*
 * frame_read() - read some more of a frame
 *
 * Return: 1 when @r holds a whole frame (reset @r->have to 0 after use), 0 when
 * more is to come, -EPROTO for a frame that is too long, -EPIPE at end of file,
 * or another -errno.
 */
static inline int frame_read(struct frame_reader *r, int fd)
{
	size_t want = FRAME_HEADER;
	ssize_t n;

	if (r->have >= FRAME_HEADER)
		want += frame_len(r->buf);
	n = read(fd, r->buf + r->have, want - r->have);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	r->have += (size_t)n;
	if (r->have < FRAME_HEADER)
		return 0;
	if (frame_len(r->buf) > FRAME_MAX)
		return -EPROTO;
	return r->have == FRAME_HEADER + frame_len(r->buf);
}

#endif
