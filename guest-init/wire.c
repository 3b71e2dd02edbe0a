/* SPDX-License-Identifier: Apache-2.0 */
/* Framing of control messages; see wire.h. */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads into [at, at + want). Bytes read, 0 for "not now", -EPIPE at the end, else -errno. */
static ssize_t read_some(int fd, void *at, size_t want)
{
	ssize_t n = read(fd, at, want);

	if (n > 0)
		return n;
	if (n == 0)
		return -EPIPE;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* May the message be as long as a plan? */
static bool is_plan(uint16_t type)
{
	return type == MSG_PLAN || type == MSG_EXEC;
}

/* Looks at a header that has just become whole. 0, -EPROTO, -ENOMEM. */
static int begin_body(struct wire_in *in)
{
	uint32_t len = le32_get(in->head.len);
	uint32_t max = is_plan(wire_in_type(in)) ? PROTO_MSG_MAX : PROTO_SMALL_MAX;

	if (len < sizeof(in->head) || len > max || le16_get(in->head.zero) != 0)
		return -EPROTO;
	in->body_len = len - (uint32_t)sizeof(in->head);
	if (!is_plan(wire_in_type(in)))
		return 0;
	in->plan = malloc(in->body_len ? in->body_len : 1);
	return in->plan ? 0 : -ENOMEM;
}

int wire_read(struct wire_in *in, int fd)
{
	const size_t head_len = sizeof(in->head);
	ssize_t n;

	while (in->got < head_len) {
		n = read_some(fd, (uint8_t *)&in->head + in->got, head_len - in->got);
		if (n <= 0)
			return (int)n;
		in->got += (size_t)n;
		if (in->got == head_len) {
			int r = begin_body(in);

			if (r < 0)
				return r;
		}
	}
	while (in->got - head_len < in->body_len) {
		size_t have = in->got - head_len;
		uint8_t *to = in->plan ? in->plan : in->small;

		n = read_some(fd, to + have, in->body_len - have);
		if (n <= 0)
			return (int)n;
		in->got += (size_t)n;
	}
	return 1;
}

void wire_in_done(struct wire_in *in)
{
	free(in->plan);
	in->plan = NULL;
	in->got = 0;
	in->body_len = 0;
}

int wire_put(struct wire_out *out, enum msg_type type, uint32_t container, const void *body,
	     size_t len)
{
	struct msg_header head = {
		.len = le32_of((uint32_t)(sizeof(head) + len)),
		.type = le16_of((uint16_t)type),
		.container = le32_of(container),
	};

	if (len > WIRE_SMALL_BODY || sizeof(head) + len > sizeof(out->buf) - out->len)
		return -ENOBUFS;
	memcpy(out->buf + out->len, &head, sizeof(head));
	out->len += sizeof(head);
	if (len > 0)
		memcpy(out->buf + out->len, body, len);
	out->len += len;
	return 0;
}

int wire_flush(struct wire_out *out, int fd)
{
	while (out->off < out->len) {
		ssize_t n = write(fd, out->buf + out->off, out->len - out->off);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		out->off += (size_t)n;
	}
	out->off = 0;
	out->len = 0;
	return 1;
}
