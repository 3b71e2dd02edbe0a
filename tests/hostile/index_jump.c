/* SPDX-License-Identifier: Apache-2.0 */
/* The available index jumps further than the ring is long. */
#include "guest/guest.h"

void attack(void)
{
	bring_up(RNG, 1);
	describe(0, 0, (uintptr_t)buffer[0], 16, WRITE, 0);
	rings[0].avail.idx = 1000;
	put(RNG, QUEUE_NOTIFY, 0);
	EXPECT(needs_reset(RNG), "an index far ahead");
	EXPECT(rings[0].used.idx == 0, "entries that were never offered");
}
