/* SPDX-License-Identifier: Apache-2.0 */
/* Joins the namespaces of process 1 through a pidfd. */
/* EXPECT: default=EPERM bare=EPERM */
#include "attack.h"

int main(void)
{
	int fd = (int)syscall(SYS_pidfd_open, 1, 0);

	NEED(fd);
	return tried(syscall(SYS_setns, fd, CLONE_NEWNS | CLONE_NEWNET));
}
