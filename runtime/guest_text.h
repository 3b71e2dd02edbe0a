/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that a guest wrote, on its way to a user: hearsay. Every byte but printable ASCII becomes '?', so
 * that none of it drives a terminal or reads as something else. (What monitors pass on has been through
 * theirs, monitor/sanitize.h.)
 */
#ifndef NACRE_RUNTIME_GUEST_TEXT_H
#define NACRE_RUNTIME_GUEST_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies up to `max` bytes, or to a NUL before. `to` has room for one more. Returns the length. */
static inline size_t guest_text_copy(char *to, const uint8_t *from, size_t max)
{
	size_t n = 0;

	for (; n < max && from[n]; n++)
		to[n] = from[n] < ' ' || from[n] > '~' ? '?' : (char)from[n];
	to[n] = '\0';
	return n;
}

#endif
