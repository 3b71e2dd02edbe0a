/* SPDX-License-Identifier: Apache-2.0 */
/* A user namespace by clone3, whose flags are in memory, where no filter looks. */
/* EXPECT: default=ENOSYS wide=success crun=success */
#include "attack.h"

int main(void)
{
	uint64_t args[8] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD };
	long pid = syscall(SYS_clone3, args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return tried(pid);
}
