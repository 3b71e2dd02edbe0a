/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all fuzzers share: input taken off a cursor, zeros behind its end, and claims that end the
 * process when they do not hold.
 */
#ifndef NACRE_FUZZ_H
#define NACRE_FUZZ_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it must hold in every build, and say so in the fuzzer's own words. */
#define CLAIM(x)                                                                                   \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "%s:%d: claim is broken: %s\n", __FILE__, __LINE__, #x);   \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static inline uint8_t in8(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, 1);

	return p ? *p : 0;
}

static inline uint16_t in16(struct cursor *c)
{
	uint16_t lo = in8(c);

	return (uint16_t)(lo | in8(c) << 8);
}

static inline uint32_t in32(struct cursor *c)
{
	uint32_t lo = in16(c);

	return lo | (uint32_t)in16(c) << 16;
}

static inline uint64_t in64(struct cursor *c)
{
	uint64_t lo = in32(c);

	return lo | (uint64_t)in32(c) << 32;
}

/* True while the input says something. */
static inline bool in_more(const struct cursor *c)
{
	return !c->failed && c->left;
}

/* Up to `max` bytes of the input; how many. */
static inline size_t in_bytes(struct cursor *c, void *to, size_t max)
{
	size_t n = max < c->left ? max : c->left;

	if (n)
		memcpy(to, cursor_take(c, n), n);
	return n;
}

/* Open descriptors below 128: none may be left behind by an input. */
static inline unsigned int open_descriptors(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 128; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

#endif
