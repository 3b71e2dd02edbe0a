/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of nacre-fsd. See filter.h. */
#include "filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fsd_fsd_policy.h"

#ifdef NACRE_DEBUG
static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	dprintf(STDERR_FILENO, "nacre-fsd: debug build: system call %d is not in fsd.policy\n",
		info->si_syscall);
	_exit(1);
}
#endif

int filter_apply(void)
{
	struct sock_fprog program = {
		.len = sizeof(fsd_fsd_policy) / sizeof(fsd_fsd_policy[0]),
		/* The kernel copies it; its type has no const. */
		.filter = (struct sock_filter *)(uintptr_t)fsd_fsd_policy,
	};

#ifdef NACRE_DEBUG
	sigaction(SIGSYS, &(struct sigaction){ .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO },
		  NULL);
#endif
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ? -errno : 0;
}
