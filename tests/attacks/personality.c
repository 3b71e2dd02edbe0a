/* SPDX-License-Identifier: Apache-2.0 */
/* Makes every readable page executable. */
/* EXPECT: default=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_personality, 0x0400000 /* READ_IMPLIES_EXEC */));
}
