/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a descriptor out of process 1. */
/* EXPECT: default=EPERM bare=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	int fd = (int)syscall(SYS_pidfd_open, 1, 0);

	NEED(fd);
	return tried(syscall(SYS_pidfd_getfd, fd, 0, 0));
}
