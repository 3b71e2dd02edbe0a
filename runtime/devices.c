/* SPDX-License-Identifier: Apache-2.0 */
/* Device numbers; see devices.h. */
#include <stddef.h>

#include "devices.h"

/* numbers of Linux' Documentation/admin-guide/devices.txt */
static const struct {
	uint32_t major, minor;
} in_guest[] = {
	{ 1, 3 }, /* null */	{ 1, 5 }, /* zero */	{ 1, 7 }, /* full */
	{ 1, 8 }, /* random */	{ 1, 9 }, /* urandom */ { 5, 0 }, /* tty */
	{ 5, 1 }, /* console */ { 5, 2 }, /* ptmx */
	{ 10, 200 }, /* net/tun */
	{ 10, 229 }, /* fuse */
};

bool device_is_in_guest(char kind, uint32_t major, uint32_t minor)
{
	for (size_t i = 0; kind == 'c' && i < sizeof(in_guest) / sizeof(in_guest[0]); i++) {
		if (in_guest[i].major == major && in_guest[i].minor == minor)
			return true;
	}
	return false;
}
