/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter of nacre-monitor. See filter.h. */
#include "filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "monitor_monitor_policy.h"
#include "monitor_witness_policy.h"
#include "resolver.h"

#define N_INSNS (sizeof(monitor_monitor_policy) / sizeof(monitor_monitor_policy[0]))

static void write_over(struct sock_filter *insns, uint32_t mark, uint32_t value)
{
	for (size_t i = 0; i < N_INSNS; i++) {
		if (insns[i].k == mark)
			insns[i].k = value;
	}
}

/* An address of ours: the kernel loads a filter's arguments in halves. */
static void write_address_over(struct sock_filter *insns, uint64_t mark, const void *address)
{
	uint64_t value = (uintptr_t)address;

	write_over(insns, (uint32_t)mark, (uint32_t)value);
	write_over(insns, (uint32_t)(mark >> 32), (uint32_t)(value >> 32));
}

int filter_apply(void)
{
	static struct sock_filter insns[N_INSNS];
	const struct sock_fprog program = { .len = N_INSNS, .filter = insns };

	memcpy(insns, monitor_monitor_policy, sizeof(insns));
	/* BPF cannot ask for what the policy has names for */
	write_over(insns, MKPOLICY_SELF, (uint32_t)getpid());
	write_address_over(insns, MKPOLICY_RESOLVER, &resolver_addresses.resolver);
	write_address_over(insns, MKPOLICY_NOWHERE, &resolver_addresses.nowhere);
	/* the threads exist already: TSYNC, which with ESRCH would name one that is left out */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		       SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, &program) ?
		       -errno : 0;
}

int filter_apply_witness(void)
{
	struct sock_fprog program = {
		.len = sizeof(monitor_witness_policy) / sizeof(monitor_witness_policy[0]),
		/* The kernel copies it; its type has no const. */
		.filter = (struct sock_filter *)(uintptr_t)monitor_witness_policy,
	};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) ? -errno : 0;
}
