/* SPDX-License-Identifier: Apache-2.0 */
/* Seccomp filters of the VMM's threads. See filter.h. */
#include "filter.h"

#include <assert.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "machine.h"
#include "vmm_blk_policy.h"
#include "vmm_device_policy.h"
#include "vmm_files_policy.h"
#include "vmm_net_policy.h"
#include "vmm_net_vhost_policy.h"
#include "vmm_template_policy.h"
#include "vmm_vcpu_policy.h"

#define POLICY(p) { sizeof(p) / sizeof((p)[0]), p }

static const struct {
	size_t len;
	const struct sock_filter *insns;
} filters[] = {
	[FILTER_DEVICE] = POLICY(vmm_device_policy),
	[FILTER_VCPU] = POLICY(vmm_vcpu_policy),
	[FILTER_FILES] = POLICY(vmm_files_policy),
	[FILTER_NET] = POLICY(vmm_net_policy),
	[FILTER_NET_VHOST] = POLICY(vmm_net_vhost_policy),
	[FILTER_BLK] = POLICY(vmm_blk_policy),
	[FILTER_TEMPLATE] = POLICY(vmm_template_policy),
};
static_assert(sizeof(filters) / sizeof(filters[0]) == FILTER_COUNT, "a filter per kind");

#ifdef NACRE_DEBUG
static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	log_line("debug build: system call %d is in no policy of this thread", info->si_syscall);
	_exit(1);
}
#endif

void filter_apply(enum filter_kind kind)
{
	struct sock_fprog program = {
		.len = (unsigned short)filters[kind].len,
		/* The kernel copies it; its type has no const. */
		.filter = (struct sock_filter *)(uintptr_t)filters[kind].insns,
	};

#ifdef NACRE_DEBUG
	sigaction(SIGSYS, &(struct sigaction){ .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO },
		  NULL);
#endif
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		setup_fail(errno, "seccomp");
}
