/* SPDX-License-Identifier: Apache-2.0 */
/* Changes the root file system. */
/* EXPECT: default=EPERM bare=EPERM crun=success */
#include "attack.h"

int main(void)
{
	/* alone, if it may: the others need the old root */
	unshare(CLONE_NEWNS);
	if (mount("x", "/mnt", "tmpfs", 0, NULL) < 0)
		return tried(syscall(SYS_pivot_root, "/", "/"));
	NEED(mkdir("/mnt/old", 0755));
	return tried(syscall(SYS_pivot_root, "/mnt", "/mnt/old"));
}
