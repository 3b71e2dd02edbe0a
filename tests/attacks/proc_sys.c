/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a parameter of the kernel. */
/* EXPECT: default=EACCES bare=EACCES wide=EACCES crun=success */
#include "attack.h"

int main(void)
{
	return write_same("/proc/sys/kernel/panic");
}
