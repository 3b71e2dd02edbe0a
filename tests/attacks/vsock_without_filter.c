/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the base filter away by one of its own that allows everything, then asks for AF_VSOCK. */
/* EXPECT: default=EPERM bare=EPERM wide=EPERM crun=success */
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "attack.h"

int main(void)
{
	struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog prog = { 1, &allow };

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	NEED(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog));
	return tried(socket(AF_VSOCK, SOCK_STREAM, 0));
}
