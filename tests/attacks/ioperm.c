/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of the machine. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_ioperm, 0x80, 1, 1));
}
