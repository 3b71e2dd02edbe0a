/* SPDX-License-Identifier: Apache-2.0 */
/* Names with slashes, dots and without an end, in the VMM's own directory (libkrun #329). */
#include "guest/guest.h"

static const char *const names[] = { "..", ".", "/", "0/..", "00", "+0", " 0", "0x0", "4294967296",
				     "-1", "" };

void attack(void)
{
	uint16_t n = 1;

	fuse_init();
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint32_t len = 0;

		do {
			buffer[0][40 + len] = (uint8_t)names[i][len];
		} while (names[i][len++]);
		fuse(1, 1, 40 + len);
		EXPECT(used(1, ++n) && fuse_error() < 0, "a name that is no container");
	}
	buffer[0][40] = '0';
	fuse(1, 1, 41); /* no NUL */
	EXPECT(used(1, ++n) && fuse_error() == -22, "a name without an end");
	buffer[0][41] = 0;
	fuse(1, 1, 42);
	EXPECT(used(1, ++n) && fuse_error() == 0, "the container that exists");
}
