/* SPDX-License-Identifier: Apache-2.0 */
/* More console output than is kept (CVE-2020-27174). */
#include "guest/guest.h"

void attack(void)
{
	bring_up(CONSOLE, 2);
	for (uint16_t i = 0; i < RING; i++)
		describe(1, i, 0x400000, 0x100000, i < RING - 1 ? NEXT : 0, (uint16_t)(i + 1));
	offer(CONSOLE, 1, 1, 0);
	EXPECT(used(1, 1), "a long line");
}
