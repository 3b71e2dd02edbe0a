/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel would run what this file names as root of the machine. */
/* EXPECT: default=EACCES bare=EACCES wide=EACCES crun=success */
#include "attack.h"

int main(void)
{
	return write_same("/proc/sys/kernel/core_pattern");
}
