/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine does, by its interrupts. */
/* EXPECT: default=empty crun=success */
#include "attack.h"

int main(void)
{
	return read_from("/proc/interrupts");
}
