/* SPDX-License-Identifier: Apache-2.0 */
/* The data of a read goes over the header, the status and the rings. */
#include "guest/request.h"

void attack(void)
{
	bring_up(BLK, 2);
	buffer[0][0] = 0;
	describe(0, 0, (uintptr_t)buffer[0], 16, NEXT, 1);
	describe(0, 1, (uintptr_t)buffer[0], 512, NEXT | WRITE, 2);
	describe(0, 2, (uintptr_t)buffer[0], 1, WRITE, 0);
	offer(BLK, 0, 0, 0);
	EXPECT(used(0, 1), "a read over its own header");
	describe(1, 0, (uintptr_t)buffer[1], 16, NEXT, 1);
	describe(1, 1, (uintptr_t)&rings[1] & ~511ull, 2048, NEXT | WRITE, 2);
	describe(1, 2, (uintptr_t)buffer[2], 1, WRITE, 0);
	offer(BLK, 1, 1, 0);
}
