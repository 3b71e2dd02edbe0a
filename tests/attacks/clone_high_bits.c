/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user namespace by clone, with bits set that the kernel cuts off before it looks at the
 * flags.
 */
/* EXPECT: default=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	long pid = syscall(SYS_clone, UINT64_C(1) << 40 | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return tried(pid);
}
