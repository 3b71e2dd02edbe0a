/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Integers as they lie on a wire, and arithmetic that cannot wrap.
 *
 * Whatever a guest, a peer process or a file wrote is little-endian bytes without alignment. The
 * types below are structs, so that a wire integer cannot be used as a number by accident: it has to
 * be read through a getter, and a structure made of them has neither padding nor alignment.
 */
#ifndef NACRE_BYTES_H
#define NACRE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct le16 {
	uint8_t b[2];
};

struct le32 {
	uint8_t b[4];
};

struct le64 {
	uint8_t b[8];
};

static inline uint16_t le16_get(struct le16 x)
{
	return (uint16_t)(x.b[0] | (unsigned int)x.b[1] << 8);
}

static inline uint32_t le32_get(struct le32 x)
{
	return (uint32_t)x.b[0] | (uint32_t)x.b[1] << 8 | (uint32_t)x.b[2] << 16 |
	       (uint32_t)x.b[3] << 24;
}

static inline uint64_t le64_get(struct le64 x)
{
	struct le32 lo = { { x.b[0], x.b[1], x.b[2], x.b[3] } };
	struct le32 hi = { { x.b[4], x.b[5], x.b[6], x.b[7] } };

	return (uint64_t)le32_get(hi) << 32 | le32_get(lo);
}

static inline struct le16 le16_of(uint16_t v)
{
	return (struct le16){ { (uint8_t)v, (uint8_t)(v >> 8) } };
}

static inline struct le32 le32_of(uint32_t v)
{
	return (struct le32){ { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
				(uint8_t)(v >> 24) } };
}

static inline struct le64 le64_of(uint64_t v)
{
	struct le64 x;

	for (unsigned int i = 0; i < sizeof(x.b); i++)
		x.b[i] = (uint8_t)(v >> (8 * i));
	return x;
}

/* True when [off, off + len) lies inside [0, size). Subtract, then compare: nothing can wrap. */
static inline bool range_fits(uint64_t off, uint64_t len, uint64_t size)
{
	return off <= size && len <= size - off;
}

/*
 * A bounded cursor over bytes that somebody else wrote. It reads forward only; after the first read
 * that does not fit, `failed` stays set and every further read yields NULL.
 */
struct cursor {
	const uint8_t *p;
	size_t left;
	bool failed;
};

static inline struct cursor cursor_over(const void *buf, size_t len)
{
	return (struct cursor){ .p = buf, .left = len, .failed = false };
}

/* The next `len` bytes, or NULL when fewer are left. */
static inline const void *cursor_take(struct cursor *c, size_t len)
{
	const void *at = c->p;

	if (c->failed || len > c->left) {
		c->failed = true;
		return NULL;
	}
	c->p += len;
	c->left -= len;
	return at;
}

/* The next NUL-terminated string, or NULL when no NUL is left in the buffer. */
static inline const char *cursor_take_string(struct cursor *c)
{
	for (size_t i = 0; !c->failed && i < c->left; i++) {
		if (c->p[i] == 0)
			return cursor_take(c, i + 1);
	}
	c->failed = true;
	return NULL;
}

#endif
