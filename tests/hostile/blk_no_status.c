/* SPDX-License-Identifier: Apache-2.0 */
/* A request without room for its status. */
#include "guest/request.h"

void attack(void)
{
	bring_up(BLK, 2);
	describe(0, 0, (uintptr_t)buffer[0], 16, NEXT, 1);
	describe(0, 1, (uintptr_t)buffer[1], 512, 0, 0);
	offer(BLK, 0, 0, 0);
	EXPECT(needs_reset(BLK), "a chain without a status");
}
