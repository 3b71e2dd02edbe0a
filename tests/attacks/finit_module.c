/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a kernel module from a file. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	int r = tried(syscall(SYS_finit_module, open("/proc/self/exe", O_RDONLY), "", 0));

	return r == ENOEXEC ? SUCCEEDED : r;
}
