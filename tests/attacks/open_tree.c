/* SPDX-License-Identifier: Apache-2.0 */
/* The new way to bind: a detached copy of the whole tree, with nothing covered. */
/* EXPECT: default=EPERM bare=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */));
}
