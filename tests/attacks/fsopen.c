/* SPDX-License-Identifier: Apache-2.0 */
/* The new way to mount: fsopen, fsconfig, fsmount. */
/* EXPECT: default=EPERM bare=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_fsopen, "tmpfs", 0));
}
