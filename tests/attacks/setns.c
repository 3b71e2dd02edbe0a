/* SPDX-License-Identifier: Apache-2.0 */
/* Joins a namespace through /proc. */
/* EXPECT: default=EPERM bare=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	NEED(fd);
	return tried(syscall(SYS_setns, fd, CLONE_NEWNET));
}
