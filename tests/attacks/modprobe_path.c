/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel would run what this file names to load a module. */
/* EXPECT: default=ENOENT bare=ENOENT wide=ENOENT crun=success */
#include "attack.h"

int main(void)
{
	return write_same("/proc/sys/kernel/modprobe");
}
