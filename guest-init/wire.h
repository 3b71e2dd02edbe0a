/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of the control protocol (include/proto.h) on a non-blocking stream descriptor: framing
 * only, no meaning. What comes in is untrusted; no length is believed beyond the bounds of proto.h.
 */
#ifndef NACRE_INIT_WIRE_H
#define NACRE_INIT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto.h"

#define WIRE_SMALL_BODY (PROTO_SMALL_MAX - sizeof(struct msg_header))

/* A message on its way in. Zero it before use. */
struct wire_in {
	struct msg_header head;
	size_t got;        /* bytes of header and body read so far */
	uint32_t body_len; /* valid once the header is whole */
	uint8_t *plan;     /* heap, body of a MSG_PLAN or MSG_EXEC; wire_in_done() frees it */
	uint8_t small[WIRE_SMALL_BODY] __attribute__((aligned(8)));
};

/* Messages on their way out. Zero it before use. */
struct wire_out {
	size_t off, len;
	uint8_t buf[2 * PROTO_SMALL_MAX];
};

/*
 * Reads on until one message is whole. 1: it is, see wire_in_type() and wire_in_body(), and call
 * wire_in_done() before the next. 0: not yet. -EPIPE: the peer closed. -EPROTO: a message that is
 * out of bounds. Other -errno: the connection broke, or no memory for a plan.
 */
int wire_read(struct wire_in *in, int fd);

static inline uint16_t wire_in_type(const struct wire_in *in)
{
	return le16_get(in->head.type);
}

static inline const void *wire_in_body(const struct wire_in *in)
{
	return in->plan ? in->plan : in->small;
}

/* Frees what the message held and makes room for the next. */
void wire_in_done(struct wire_in *in);

/* Queues one message. 0, or -ENOBUFS when the peer let too many lie. */
int wire_put(struct wire_out *out, enum msg_type type, uint32_t container, const void *body,
	     size_t len);

/* Writes what is queued. 1: all is out. 0: the rest has to wait for EPOLLOUT. -errno: broken. */
int wire_flush(struct wire_out *out, int fd);

#endif
