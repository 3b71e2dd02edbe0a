/* SPDX-License-Identifier: Apache-2.0 */
/* A user reads the memory of process 1. */
/* EXPECT: default=EPERM wide=EPERM crun=EPERM */
#include <sys/uio.h>

#include "attack.h"

int main(void)
{
	char c;
	struct iovec here = { &c, 1 }, there = { (void *)0x400000, 1 };

	become_user();
	return tried(syscall(SYS_process_vm_readv, 1, &here, 1, &there, 1, 0));
}
