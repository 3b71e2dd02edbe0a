/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of seccomp: profiles of config.json and the default one are compiled into a plan, and
 * the programs in it are run on calls by an interpreter of the test's own. The kernel takes the
 * strictest answer of all filters, the newest's among equals (seccomp(2)); so does the test.
 */
/* SOURCES: runtime/config_seccomp.c runtime/seccomp_default.c runtime/seccomp_compile.c */
/* SOURCES: runtime/plan_buffer.c runtime/json_reader.c runtime/arena.c runtime/failure.c */
/* SOURCES: runtime/report.c runtime/seccomp_builtin.c runtime/caps.c */
/* LIBS: -ljansson -lseccomp -lcap -lm */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "plan.h"
#include "runtime/config_parts.h"
#include "runtime/caps.h"
#include "runtime/seccomp_builtin.h"
#include "runtime/seccomp_compile.h"

#ifdef __aarch64__
#define ARCH_NATIVE AUDIT_ARCH_AARCH64
#else
#define ARCH_NATIVE AUDIT_ARCH_X86_64
#endif
#define KILL   SECCOMP_RET_KILL_PROCESS
#define ERR(e) (SECCOMP_RET_ERRNO | (e))
#define ALLOW  SECCOMP_RET_ALLOW
/* The first call that Linux 6.1 does not have. */
#define NEW_CALL 451
#define DEFAULT_CAPS UINT64_C(0xa80425fb) /* Docker's 14 */

struct compiled {
	struct container_config config;
	struct json_reader reader;
	struct plan_buffer plan;
	struct failure failure;
};

static void begin(struct compiled *c)
{
	*c = (struct compiled){ .config = { .id = "x" } };
	c->reader = (struct json_reader){ .file = "config.json", .arena = &c->config.arena,
					  .failure = &c->failure, .config = &c->config };
	plan_buffer_begin(&c->plan);
}

static void end(struct compiled *c)
{
	plan_buffer_free(&c->plan);
	json_decref(c->config.json);
	arena_free(&c->config.arena);
}

/* Reads a profile written with ' for ". */
static int read_profile(struct compiled *c, const char *text)
{
	char *json = strdup(text);

	begin(c);
	for (char *p = json; *p; p++) {
		if (*p == '\'')
			*p = '"';
	}
	c->config.json = json_loads(json, 0, NULL);
	assert_non_null(c->config.json);
	free(json);
	return config_read_seccomp(&c->reader, c->config.json, &c->config);
}

static void compile(struct compiled *c, const char *text)
{
	assert_int_equal(read_profile(c, text), 0);
	assert_int_equal(seccomp_compile(c->config.seccomp, &c->plan, &c->failure), 0);
}

static void compile_default(struct compiled *c, uint64_t caps)
{
	begin(c);
	assert_int_equal(seccomp_compile(seccomp_default(&c->config.arena, caps), &c->plan,
					 &c->failure), 0);
}

/* Classic BPF as libseccomp writes it. */
static uint32_t interpret(const struct sock_filter *f, uint32_t n, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (uint32_t at = 0; at < n; at++) {
		uint32_t k = f[at].k;

		switch (f[at].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(k + 4 <= sizeof(*data) && k % 4 == 0);
			memcpy(&a, (const char *)data + k, 4);
			break;
		case BPF_ALU | BPF_AND | BPF_K: a &= k; break;
		case BPF_JMP | BPF_JA: at += k; break;
		case BPF_JMP | BPF_JEQ | BPF_K: at += a == k ? f[at].jt : f[at].jf; break;
		case BPF_JMP | BPF_JGT | BPF_K: at += a > k ? f[at].jt : f[at].jf; break;
		case BPF_JMP | BPF_JGE | BPF_K: at += a >= k ? f[at].jt : f[at].jf; break;
		case BPF_RET | BPF_K: return k;
		default: fail_msg("instruction %#x", f[at].code);
		}
	}
	fail_msg("the filter has no end");
	return 0;
}

static uint32_t stricter(uint32_t a, uint32_t b)
{
	int32_t x = (int32_t)(a & SECCOMP_RET_ACTION_FULL), y = (int32_t)(b & SECCOMP_RET_ACTION_FULL);

	return y < x ? b : a;
}

/* What the kernel does with a call. */
static uint32_t answer(struct compiled *c, uint32_t arch, int nr, uint64_t arg0, uint64_t arg1)
{
	struct seccomp_data data = { .nr = nr, .arch = arch, .args = { arg0, arg1 } };
	struct cursor at = cursor_over(c->plan.bytes + sizeof(struct plan_header),
				       c->plan.len - sizeof(struct plan_header));
	uint32_t result = ALLOW, n_filters = 0;

	while (at.left) {
		const struct plan_record *record = cursor_take(&at, sizeof(*record));
		uint32_t len = le32_get(record->len);
		struct cursor body = cursor_over(cursor_take(&at, len), len);
		const struct plan_seccomp *s = cursor_take(&body, sizeof(*s));
		uint32_t n = le32_get(s->n_insns);

		cursor_take(&at, (PLAN_ALIGN - len % PLAN_ALIGN) % PLAN_ALIGN);
		assert_int_equal(le32_get(record->type), PLAN_SECCOMP);
		assert_int_equal(body.left, n * sizeof(struct sock_filter));
		assert_in_range(n, 1, BPF_MAXINSNS);
		/* the newest filter is asked first, and stays among equals */
		result = stricter(interpret((const struct sock_filter *)(const void *)body.p, n,
					    &data), result);
		n_filters++;
	}
	assert_in_range(n_filters, 1, 2);
	return result;
}

#define assert_answer(expected, c, name, arg0, arg1)                                               \
	assert_int_equal(answer(c, ARCH_NATIVE, SYS_##name, arg0, arg1), expected)

/* An error or worse: which error is the newest filter's choice. */
#define assert_refuses(c, name, arg0)                                                              \
	assert_true((int32_t)answer(c, ARCH_NATIVE, SYS_##name, arg0, 0) <                         \
		    (int32_t)SECCOMP_RET_USER_NOTIF)

/* Under every profile, also none. */
static void assert_base(struct compiled *c)
{
	assert_refuses(c, socket, AF_VSOCK);
	assert_refuses(c, socketpair, AF_VSOCK);
	/* the kernel cuts the family to 32 bits */
	assert_refuses(c, socket, UINT64_C(0x700000000) | AF_VSOCK);
	assert_refuses(c, io_uring_setup, 0);
	assert_int_equal(answer(c, AUDIT_ARCH_I386, 20, 0, 0), KILL);
	assert_int_equal(answer(c, AUDIT_ARCH_ARM, 20, 0, 0), KILL);
#ifdef __x86_64__
	assert_int_equal(answer(c, ARCH_NATIVE, 0x40000000 | SYS_getpid, 0, 0), KILL);
#endif
}

static void test_unconfined(void **state)
{
	struct compiled c;

	(void)state;
	begin(&c);
	assert_int_equal(seccomp_compile(NULL, &c.plan, &c.failure), 0);
	assert_base(&c);
	assert_answer(ERR(EPERM), &c, socket, AF_VSOCK, 0);
	assert_answer(ERR(ENOSYS), &c, io_uring_setup, 0, 0);
	assert_answer(ALLOW, &c, mount, 0, 0);
	assert_answer(ALLOW, &c, socket, AF_UNIX, 0);
	assert_answer(ALLOW, &c, socket, UINT64_C(0x700000000) | AF_UNIX, 0);
	assert_int_equal(answer(&c, ARCH_NATIVE, NEW_CALL, 0, 0), ALLOW);
	assert_int_equal(answer(&c, ARCH_NATIVE, -1, 0, 0), ALLOW);
	end(&c);
}

static void test_default_profile(void **state)
{
	static const int denied[] = {
		SYS_mount, SYS_umount2, SYS_unshare, SYS_setns, SYS_bpf, SYS_keyctl, SYS_add_key,
		SYS_request_key, SYS_kexec_load, SYS_kexec_file_load, SYS_init_module,
		SYS_finit_module, SYS_delete_module, SYS_reboot, SYS_swapon, SYS_swapoff,
		SYS_quotactl, SYS_acct, SYS_settimeofday, SYS_clock_settime, SYS_userfaultfd,
		SYS_perf_event_open, SYS_open_by_handle_at, SYS_pivot_root, SYS_syslog,
		SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick,
		SYS_mount_setattr, SYS_pidfd_getfd, SYS_kcmp, SYS_sethostname, SYS_setdomainname,
		SYS_fanotify_init, SYS_mbind, SYS_move_pages, SYS_vhangup, SYS_io_uring_enter,
#ifdef __x86_64__
		SYS_iopl, SYS_ioperm, SYS__sysctl, SYS_uselib, SYS_ustat, SYS_sysfs, SYS_create_module,
		SYS_nfsservctl, SYS_get_kernel_syms, SYS_query_module,
#endif
	};
	static const int allowed[] = {
		SYS_read, SYS_openat, SYS_execve, SYS_mmap, SYS_futex, SYS_ptrace, SYS_chroot,
		SYS_mknodat, SYS_capset, SYS_prctl, SYS_seccomp, SYS_rseq, SYS_statx, SYS_wait4,
		SYS_faccessat2, SYS_close_range, SYS_openat2, SYS_epoll_pwait2, SYS_futex_waitv,
	};
	struct compiled c;

	(void)state;
	compile_default(&c, DEFAULT_CAPS);
	assert_base(&c);
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		if (answer(&c, ARCH_NATIVE, denied[i], 0, 0) != ERR(EPERM))
			fail_msg("call %d: %#x", denied[i], answer(&c, ARCH_NATIVE, denied[i], 0, 0));
	}
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if (answer(&c, ARCH_NATIVE, allowed[i], 0, 0) != ALLOW)
			fail_msg("call %d", allowed[i]);
	}
	assert_answer(ALLOW, &c, clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0);
	assert_answer(ERR(EPERM), &c, clone, CLONE_NEWUSER, 0);
	assert_answer(ERR(EPERM), &c, clone, CLONE_NEWNET | 17, 0);
	assert_answer(ERR(EPERM), &c, clone, UINT64_C(1) << 40 | CLONE_NEWUSER, 0);
	assert_answer(ERR(ENOSYS), &c, clone3, 0, 0);
	assert_answer(ALLOW, &c, personality, 0xffffffff, 0);
	assert_answer(ALLOW, &c, personality, 0, 0);
	assert_answer(ERR(EPERM), &c, personality, 0x0400000 /* READ_IMPLIES_EXEC */, 0);
	/* a call that the guest's kernel does not have */
	assert_int_equal(answer(&c, ARCH_NATIVE, NEW_CALL, 0, 0), ERR(ENOSYS));
	assert_int_equal(answer(&c, ARCH_NATIVE, NEW_CALL - 1, 0, 0), ERR(EPERM));
	end(&c);
}

/* Capabilities widen the default profile. */
static void test_default_profile_with_capabilities(void **state)
{
	struct compiled c;

	(void)state;
	compile_default(&c, DEFAULT_CAPS | UINT64_C(1) << CAP_SYS_ADMIN);
	assert_base(&c);
	assert_answer(ALLOW, &c, mount, 0, 0);
	assert_answer(ALLOW, &c, clone, CLONE_NEWUSER, 0);
	assert_answer(ALLOW, &c, clone3, 0, 0);
	assert_answer(ERR(EPERM), &c, reboot, 0, 0);
	end(&c);
	compile_default(&c, UINT64_C(1) << CAP_SYS_TIME);
	assert_answer(ALLOW, &c, settimeofday, 0, 0);
	assert_answer(ERR(EPERM), &c, chroot, 0, 0);
	end(&c);
}

static void test_actions(void **state)
{
	struct compiled c;

	(void)state;
	compile(&c, "{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': ["
		"{'names': ['getpid'], 'action': 'SCMP_ACT_ERRNO'},"
		"{'names': ['getppid'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 38},"
		"{'names': ['getuid'], 'action': 'SCMP_ACT_KILL'},"
		"{'names': ['getgid'], 'action': 'SCMP_ACT_KILL_PROCESS'},"
		"{'names': ['geteuid'], 'action': 'SCMP_ACT_KILL_THREAD'},"
		"{'names': ['getegid'], 'action': 'SCMP_ACT_TRAP'},"
		"{'names': ['gettid'], 'action': 'SCMP_ACT_TRACE', 'errnoRet': 65535},"
		"{'names': ['getsid'], 'action': 'SCMP_ACT_LOG'},"
		"{'names': ['getcwd', 'from_the_future'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 0}]}");
	assert_base(&c);
	assert_answer(ERR(EPERM), &c, getpid, 0, 0);
	assert_answer(ERR(ENOSYS), &c, getppid, 0, 0);
	assert_answer(SECCOMP_RET_KILL_THREAD, &c, getuid, 0, 0);
	assert_answer(KILL, &c, getgid, 0, 0);
	assert_answer(SECCOMP_RET_KILL_THREAD, &c, geteuid, 0, 0);
	assert_answer(SECCOMP_RET_TRAP, &c, getegid, 0, 0);
	assert_answer(SECCOMP_RET_TRACE | 65535, &c, gettid, 0, 0);
	assert_answer(SECCOMP_RET_LOG, &c, getsid, 0, 0);
	assert_answer(ERR(0), &c, getcwd, 0, 0);
	assert_answer(ALLOW, &c, read, 0, 0);
	assert_int_equal(answer(&c, ARCH_NATIVE, NEW_CALL, 0, 0), ALLOW);
	end(&c);
}

static void test_default_actions(void **state)
{
	struct compiled c;

	(void)state;
	compile(&c, "{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 13, 'syscalls': ["
		"{'names': ['read'], 'action': 'SCMP_ACT_ALLOW'},"
		"{'names': ['mount'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 13}]}");
	assert_base(&c);
	assert_answer(ALLOW, &c, read, 0, 0);
	assert_answer(ERR(EACCES), &c, mount, 0, 0);
	assert_answer(ERR(EACCES), &c, write, 0, 0);
	assert_int_equal(answer(&c, ARCH_NATIVE, NEW_CALL, 0, 0), ERR(ENOSYS));
	assert_int_equal(answer(&c, ARCH_NATIVE, -1, 0, 0), ERR(EACCES));
	end(&c);
	compile(&c, "{'defaultAction': 'SCMP_ACT_KILL_PROCESS', 'syscalls': ["
		"{'names': ['read'], 'action': 'SCMP_ACT_ALLOW'}]}");
	assert_answer(ALLOW, &c, read, 0, 0);
	assert_answer(KILL, &c, write, 0, 0);
	assert_int_equal(answer(&c, ARCH_NATIVE, NEW_CALL, 0, 0), KILL);
	end(&c);
}

static void test_arguments(void **state)
{
	struct compiled c;

	(void)state;
	compile(&c, "{'defaultAction': 'SCMP_ACT_ERRNO', 'architectures': ['SCMP_ARCH_X86_64', "
		"'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64'], 'flags': "
		"['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],"
		"'syscalls': ["
		"{'names': ['read'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 3, 'op': 'SCMP_CMP_NE'}]},"
		"{'names': ['write'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 3, 'op': 'SCMP_CMP_LT'}]},"
		"{'names': ['close'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 3, 'op': 'SCMP_CMP_LE'}]},"
		"{'names': ['fstat'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 3, 'op': 'SCMP_CMP_GE'}]},"
		"{'names': ['lseek'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 3, 'op': 'SCMP_CMP_GT'}]},"
		"{'names': ['dup'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 12, 'valueTwo': 8, 'op': 'SCMP_CMP_MASKED_EQ'}]},"
		/* all of several arguments */
		"{'names': ['dup3'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}, {'index': 1, 'value': 2, 'op': 'SCMP_CMP_EQ'}]},"
		/* any of several on one argument */
		"{'names': ['personality'], 'action': 'SCMP_ACT_ALLOW', 'args': [{'index': 0, 'value': 1, 'op': 'SCMP_CMP_EQ'}, {'index': 0, 'value': 2, 'op': 'SCMP_CMP_EQ'}]}]}");
	assert_answer(ALLOW, &c, read, 4, 0);
	assert_answer(ERR(EPERM), &c, read, 3, 0);
	assert_answer(ALLOW, &c, write, 2, 0);
	assert_answer(ERR(EPERM), &c, write, 3, 0);
	assert_answer(ALLOW, &c, close, 3, 0);
	assert_answer(ERR(EPERM), &c, close, UINT64_C(1) << 32, 0);
	assert_answer(ALLOW, &c, fstat, 3, 0);
	assert_answer(ERR(EPERM), &c, fstat, 2, 0);
	assert_answer(ALLOW, &c, lseek, 4, 0);
	assert_answer(ERR(EPERM), &c, lseek, 3, 0);
	assert_answer(ALLOW, &c, dup, 8 | 3, 0);
	assert_answer(ERR(EPERM), &c, dup, 12, 0);
	assert_answer(ALLOW, &c, dup3, 1, 2);
	assert_answer(ERR(EPERM), &c, dup3, 1, 3);
	assert_answer(ALLOW, &c, personality, 1, 0);
	assert_answer(ALLOW, &c, personality, 2, 0);
	assert_answer(ERR(EPERM), &c, personality, 3, 0);
	assert_int_equal(c.config.seccomp->flags, SECCOMP_FILTER_FLAG_LOG |
			 SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	end(&c);
}

static void assert_refused(const char *text, const char *named)
{
	struct compiled c;

	assert_int_equal(read_profile(&c, text), -EINVAL);
	if (!strstr(c.failure.text, named))
		fail_msg("\"%s\" instead of \"%s\"", c.failure.text, named);
	end(&c);
}

#define RULE(text) "{'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{" text "}]}"
#define ARG(text)                                                                                  \
	RULE("'names': ['read'], 'action': 'SCMP_ACT_ERRNO', 'args': [{" text "}]")

static void test_refusals(void **state)
{
	(void)state;
	assert_refused("{}", "\"defaultAction\" is missing");
	assert_refused("{'defaultAction': 'SCMP_ACT_NONE'}", "defaultAction: \"SCMP_ACT_NONE\": unknown");
	assert_refused("{'defaultAction': 'SCMP_ACT_NOTIFY'}", "defaultAction: SCMP_ACT_NOTIFY is not");
	assert_refused("{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': 4096}", "errnoRet: 4096");
	assert_refused("{'defaultAction': 'SCMP_ACT_ERRNO', 'defaultErrnoRet': -1}", "defaultErrnoRet: -1");
	assert_refused("{'defaultAction': 'SCMP_ACT_ALLOW', 'defaultErrnoRet': 1}", "takes none");
	assert_refused("{'defaultAction': 'SCMP_ACT_ALLOW', 'flags': ['SECCOMP_FILTER_FLAG_NEW_LISTENER']}",
		       "flags[0]: \"SECCOMP_FILTER_FLAG_NEW_LISTENER\"");
	assert_refused("{'defaultAction': 'SCMP_ACT_ALLOW', 'listenerPath': '/x'}", "listenerPath");
	assert_refused(RULE("'names': [], 'action': 'SCMP_ACT_ERRNO'"), "[0]: names: expected at least");
	assert_refused(RULE("'names': ['read']"), "[0]: \"action\" is missing");
	assert_refused(RULE("'names': ['read'], 'action': 'SCMP_ACT_EERRNO'"), "action: \"SCMP_ACT_EERRNO\"");
	assert_refused(RULE("'names': ['read'], 'action': 'SCMP_ACT_ERRNO', 'errnoRet': 65536"), "errnoRet: 65536");
	assert_refused(RULE("'names': ['read'], 'action': 'SCMP_ACT_KILL', 'errnoRet': 1"), "takes none");
	assert_refused(ARG("'index': 6, 'value': 1, 'op': 'SCMP_CMP_EQ'"), "args[0].index: 6");
	assert_refused(ARG("'index': 0, 'value': 1, 'op': 'SCMP_CMP_IN'"), "op: \"SCMP_CMP_IN\"");
	assert_refused(ARG("'index': 0, 'value': 'x', 'op': 'SCMP_CMP_EQ'"), "args[0].value: expected a number");
	assert_refused(ARG("'index': 0, 'op': 'SCMP_CMP_EQ'"), "\"value\" is missing");
}

/* What was compiled with nacre is what would be compiled now, and stands for nothing else. */
static void test_builtin(void **state)
{
	struct compiled now, builtin;

	(void)state;
	compile_default(&now, caps_default());
	begin(&builtin);
	assert_true(seccomp_add_builtin(seccomp_default(&builtin.config.arena, caps_default()),
					&builtin.plan));
	assert_int_equal(builtin.plan.n_records, 2);
	assert_int_equal(builtin.plan.n_records, now.plan.n_records);
	assert_int_equal(builtin.plan.len, now.plan.len);
	assert_memory_equal(builtin.plan.bytes, now.plan.bytes, now.plan.len);
	assert_false(seccomp_add_builtin(NULL, &builtin.plan));
	assert_false(seccomp_add_builtin(seccomp_default(&builtin.config.arena,
							 caps_default() | 1u << CAP_SYS_ADMIN),
					 &builtin.plan));
	assert_int_equal(builtin.plan.n_records, 2);
	end(&now);
	end(&builtin);
	compile(&now, "{'defaultAction': 'SCMP_ACT_ALLOW'}");
	assert_false(seccomp_add_builtin(now.config.seccomp, &now.plan));
	end(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unconfined),
		cmocka_unit_test(test_default_profile),
		cmocka_unit_test(test_default_profile_with_capabilities),
		cmocka_unit_test(test_builtin),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_default_actions),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
