/* SPDX-License-Identifier: Apache-2.0 */
/* userfaultfd, which halts the kernel in the middle of a copy. */
/* EXPECT: default=EPERM bare=ENOSYS wide=ENOSYS crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_userfaultfd, O_CLOEXEC));
}
