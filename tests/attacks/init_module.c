/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a kernel module; nonsense, so that it stops after the permission. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	int r = tried(syscall(SYS_init_module, "nonsense", 8, ""));

	return r == ENOEXEC ? SUCCEEDED : r;
}
