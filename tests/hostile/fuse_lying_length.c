/* SPDX-License-Identifier: Apache-2.0 */
/* FUSE requests with lengths that lie, and a chain too short for a header. */
#include "guest/guest.h"

void attack(void)
{
	static const uint32_t lens[] = { 0, 1, 39, 40, 0xffffffff };

	for (unsigned int i = 0; i < 5; i++) {
		rings[1].avail.idx = rings[1].used.idx = 0;
		fuse_init();
		*(volatile uint32_t *)buffer[0] = lens[i];
		describe(1, 2, (uintptr_t)buffer[0], 56, NEXT, 3);
		describe(1, 3, (uintptr_t)buffer[1], 4096, WRITE, 0);
		offer(FS, 1, 1, 2);
		EXPECT(used(1, 2) && fuse_error() == -22, "a length that lies");
	}
	describe(1, 4, (uintptr_t)buffer[0], 39, NEXT, 5);
	describe(1, 5, (uintptr_t)buffer[1], 4096, WRITE, 0);
	offer(FS, 1, 1, 4);
	EXPECT(needs_reset(FS), "a chain shorter than a header");
}
