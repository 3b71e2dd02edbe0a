/* SPDX-License-Identifier: Apache-2.0 */
/* Address plus length overflows; notify and queue numbers without end (CVE-2021-45464). */
#include "guest/guest.h"

void attack(void)
{
	bring_up(RNG, 1);
	put(RNG, QUEUE_NOTIFY, 1);
	put(RNG, QUEUE_NOTIFY, 0x7fffffff);
	put(RNG, QUEUE_NOTIFY, 0xffffffff);
	put(RNG, QUEUE_SEL, 0xffffffff);
	EXPECT(get(RNG, QUEUE_NUM_MAX) == 0, "a queue that does not exist has a size");
	put(RNG, QUEUE_READY, 1);
	EXPECT(get(RNG, QUEUE_READY) == 0, "a queue that does not exist is ready");
	describe(0, 0, 0xfffffffffffffff0ull, 0x20, WRITE, 0);
	offer(RNG, 0, 0, 0);
	EXPECT(needs_reset(RNG), "address plus length overflows");
}
