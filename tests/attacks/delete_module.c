/* SPDX-License-Identifier: Apache-2.0 */
/* Removes a kernel module. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	int r = tried(syscall(SYS_delete_module, "no_such_module", O_NONBLOCK));

	return r == ENOENT ? SUCCEEDED : r;
}
