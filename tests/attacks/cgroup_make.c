/* SPDX-License-Identifier: Apache-2.0 */
/* A cgroup of its own below, with a filter and limits of its own. */
/* EXPECT: default=EROFS bare=EROFS wide=success crun=success */
#include "attack.h"

int main(void)
{
	int r = tried(mkdir("/sys/fs/cgroup/attack", 0755));

	rmdir("/sys/fs/cgroup/attack");
	return r;
}
