/* SPDX-License-Identifier: Apache-2.0 */
/* Queue registers after DRIVER_OK (CVE-2026-5747). */
#include "guest/guest.h"

void attack(void)
{
	bring_up(RNG, 1);
	put(RNG, QUEUE_SEL, 0);
	put(RNG, QUEUE_NUM, 0xffff);
	put(RNG, DESC_HIGH, 0xffffffff);
	put(RNG, AVAIL_LOW, 0xd0000000);
	put(RNG, USED_LOW, 0xfffffff0);
	put(RNG, QUEUE_READY, 0);
	put(RNG, QUEUE_READY, 1);
	EXPECT(get(RNG, QUEUE_READY) == 1, "a queue was stopped after DRIVER_OK");
	describe(0, 0, (uintptr_t)buffer[0], 16, WRITE, 0);
	offer(RNG, 0, 0, 0);
	EXPECT(used(0, 1), "a queue was changed after DRIVER_OK");
}
