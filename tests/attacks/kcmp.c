/* SPDX-License-Identifier: Apache-2.0 */
/* Compares pointers of the kernel's. */
/* EXPECT: default=EPERM wide=success crun=success */
#include "attack.h"

int main(void)
{
	return tried(syscall(SYS_kcmp, getpid(), getpid(), 0 /* KCMP_FILE */, 0, 1));
}
