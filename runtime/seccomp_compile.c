/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp for a plan; see seccomp_compile.h.
 *
 * Two filters, and the kernel takes the stricter answer of the two (seccomp(2)): the base, which no
 * profile can widen, and the profile. Both are for the machine's own ABI alone: the guest's kernel
 * has no other, and a call that comes through one kills the process, so entries of config.json for
 * x86, x32 and other architectures are dropped.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include "fd.h"
#include "plan.h"
#include "seccomp_compile.h"

/*
 * The highest system call of the guest's kernel: set_mempolicy_home_node of Linux 6.1, on x86-64
 * and arm64 alike.
 */
#define GUEST_LAST_SYSCALL 450u

#ifdef __aarch64__
#define AUDIT_ARCH_GUEST AUDIT_ARCH_AARCH64
#else
#define AUDIT_ARCH_GUEST AUDIT_ARCH_X86_64
#endif

#define N(table) (sizeof(table) / sizeof((table)[0]))

/* What is put before a profile whose default is an error; see add_profile(). */
static const struct sock_filter unknown_calls[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_GUEST, 0, 4),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, GUEST_LAST_SYSCALL, 0, 2),
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u /* x32, and -1 */, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
};

static int refuse(struct failure *failure, int err, const char *what)
{
	return failure_set(failure, err, "linux.seccomp: %s: %s", what, strerror(-err));
}

/* Appends `prelude` and behind it what libseccomp makes of `ctx`, as one PLAN_SECCOMP. */
static int add_filter(scmp_filter_ctx ctx, uint32_t flags, const struct sock_filter *prelude,
		      size_t n_prelude, struct plan_buffer *plan, struct failure *failure)
{
	struct plan_seccomp *record = NULL;
	autoclose int fd = memfd_create("seccomp", MFD_CLOEXEC);
	size_t len, before = n_prelude * sizeof(*prelude);
	off_t end;
	int err = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);

	if (err)
		return refuse(failure, err, "compiling the filter");
	end = lseek(fd, 0, SEEK_END);
	len = (size_t)end;
	if (end <= 0 || (before + len) / sizeof(*prelude) > BPF_MAXINSNS)
		return refuse(failure, -E2BIG, "expected a filter of at most 4096 instructions");
	record = malloc(sizeof(*record) + before + len);
	if (!record)
		return refuse(failure, -ENOMEM, "compiling the filter");
	record->flags = le32_of(flags);
	record->n_insns = le32_of((uint32_t)((before + len) / sizeof(*prelude)));
	if (before)
		memcpy(record + 1, prelude, before);
	if (pread(fd, (char *)(record + 1) + before, len, 0) != (ssize_t)len)
		err = refuse(failure, -EIO, "reading the filter");
	else
		plan_buffer_add(plan, PLAN_SECCOMP, record, sizeof(*record) + before + len, NULL);
	free(record);
	return err;
}

/* A context for the machine's own ABI; what comes through another kills the process. */
static scmp_filter_ctx context_new(uint32_t default_action)
{
	scmp_filter_ctx ctx = seccomp_init(default_action);

	/*
	 * Whether no_new_privs is set is the guest's business; a tree of comparisons instead of
	 * a list, for profiles of some hundred calls.
	 */
	if (ctx && (seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0) != 0 ||
		    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0 ||
		    seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0)) {
		seccomp_release(ctx);
		ctx = NULL;
	}
	return ctx;
}

/*
 * The base filter. AF_VSOCK is no part of a network namespace: whoever may make such a socket
 * speaks to the machine around the guest. The kernel reads 32 bits of the family. io_uring makes
 * sockets (IORING_OP_SOCKET) that no filter sees, so it has to go with them: "not there", as where
 * the kernel is built without it.
 */
static int add_base(struct plan_buffer *plan, struct failure *failure)
{
	const struct scmp_arg_cmp vsock =
		SCMP_CMP(0, SCMP_CMP_MASKED_EQ, 0xffffffffu, AF_VSOCK);
	scmp_filter_ctx ctx = context_new(SCMP_ACT_ALLOW);
	int err = ctx ? 0 : -ENOMEM;

	if (!err)
		err = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
					     &vsock);
	if (!err)
		err = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socketpair), 1,
					     &vsock);
	if (!err)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
	if (err)
		refuse(failure, err, "base filter");
	else
		err = add_filter(ctx, 0, NULL, 0, plan, failure);
	seccomp_release(ctx);
	return err;
}

/*
 * One system call of a rule. Several conditions on one argument are alternatives, each a rule of
 * its own, as runc reads them; else all conditions must hold.
 */
static int add_call(scmp_filter_ctx ctx, const struct seccomp_rule *rule, int number)
{
	struct scmp_arg_cmp all[SECCOMP_ARGS_MAX];
	bool used[SECCOMP_ARGS_MAX] = { false }, alternatives = false;
	unsigned int n = 0;
	int err = 0;

	for (size_t i = 0; i < rule->args.n; i++) {
		alternatives |= used[rule->args.v[i].index];
		used[rule->args.v[i].index] = true;
	}
	for (size_t i = 0; i < rule->args.n && !err; i++) {
		const struct seccomp_arg *arg = &rule->args.v[i];
		struct scmp_arg_cmp one = {
			.arg = arg->index,
			.op = (enum scmp_compare)arg->op,
			.datum_a = arg->value,
			.datum_b = arg->value_two,
		};

		if (alternatives)
			err = seccomp_rule_add_array(ctx, rule->action, number, 1, &one);
		else
			all[n++] = one;
	}
	if (alternatives || err)
		return err;
	return seccomp_rule_add_array(ctx, rule->action, number, n, all);
}

static int add_rules(scmp_filter_ctx ctx, const struct seccomp_profile *profile,
		     struct failure *failure)
{
	for (size_t i = 0; i < profile->rules.n; i++) {
		const struct seccomp_rule *rule = &profile->rules.v[i];

		/* libseccomp refuses rules that say what holds anyway. */
		if (rule->action == profile->default_action)
			continue;
		for (size_t j = 0; j < rule->names.n; j++) {
			int number = seccomp_syscall_resolve_name(rule->names.v[j]);
			int err = number == __NR_SCMP_ERROR ? 0 : add_call(ctx, rule, number);

			if (err)
				return failure_set(failure, err,
						   "linux.seccomp: syscalls[%zu]: %s: %s", i,
						   rule->names.v[j], strerror(-err));
		}
	}
	return 0;
}

static int add_profile(const struct seccomp_profile *profile, struct plan_buffer *plan,
		       struct failure *failure)
{
	scmp_filter_ctx ctx = context_new(profile->default_action);
	bool is_error = (profile->default_action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;
	int err = ctx ? add_rules(ctx, profile, failure)
		      : refuse(failure, -EINVAL, "defaultAction");

	/*
	 * A program tries new calls first and goes on with old ones when the kernel does not have
	 * them. An allowlist that is older than the call must not spoil that: what the guest's
	 * kernel lacks is ENOSYS, not the list's error (as runc does).
	 */
	if (!err)
		err = add_filter(ctx, profile->flags, unknown_calls,
				 is_error ? N(unknown_calls) : 0, plan, failure);
	seccomp_release(ctx);
	return err;
}

int seccomp_compile(const struct seccomp_profile *profile, struct plan_buffer *plan,
		    struct failure *failure)
{
	int err = add_base(plan, failure);

	return err || !profile ? err : add_profile(profile, plan, failure);
}
