/* SPDX-License-Identifier: Apache-2.0 */
/* A user namespace by clone. */
/* EXPECT: default=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return tried(pid);
}
