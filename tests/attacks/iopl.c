/* SPDX-License-Identifier: Apache-2.0 */
/* All ports of the machine. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_iopl, 3));
}
