/* SPDX-License-Identifier: Apache-2.0 */
/* A frame without room for its header. */
#include "guest/frame.h"

void attack(void)
{
	bring_up(NET, 2);
	describe(1, 0, (uintptr_t)buffer[0], 11, 0, 0);
	offer(NET, 1, 1, 0);
	EXPECT(needs_reset(NET), "a chain without a header");
}
