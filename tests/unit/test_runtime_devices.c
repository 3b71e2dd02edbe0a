/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the device filter: rules are compiled, the program is run by an interpreter of the
 * test's own, and the kernel's verifier takes it, where the test may ask the kernel.
 */
/* SOURCES: runtime/device_filter.c runtime/plan_buffer.c runtime/arena.c runtime/failure.c */
/* SOURCES: runtime/report.c */
/* LIBS: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "plan.h"
#include "runtime/device_filter.h"

#define M BPF_DEVCG_ACC_MKNOD
#define R BPF_DEVCG_ACC_READ
#define W BPF_DEVCG_ACC_WRITE
#define STEPS_MAX 10000

struct filter {
	struct arena arena;
	struct device_rules rules;
	struct plan_buffer plan;
	const struct bpf_insn *insns;
	size_t n;
};

static void begin(struct filter *f)
{
	*f = (struct filter){ .n = 0 };
}

static void add(struct filter *f, bool allow, char kind, int64_t major, int64_t minor,
		uint32_t access)
{
	*device_add_rule(&f->arena, &f->rules) =
		(struct device_rule){ allow, kind, major, minor, access };
}

static void compile(struct filter *f)
{
	struct failure failure = { .text = "" };
	struct cursor at;
	const struct plan_record *record;

	plan_buffer_begin(&f->plan);
	assert_int_equal(device_filter_compile(&f->rules, &f->plan, &failure), 0);
	at = cursor_over(f->plan.bytes + sizeof(struct plan_header),
			 f->plan.len - sizeof(struct plan_header));
	record = cursor_take(&at, sizeof(*record));
	assert_int_equal(le32_get(record->type), PLAN_DEVICE_FILTER);
	assert_int_equal(le32_get(record->len) % sizeof(*f->insns), 0);
	f->n = le32_get(record->len) / sizeof(*f->insns);
	f->insns = cursor_take(&at, le32_get(record->len));
	assert_int_equal(at.left, 0);
	assert_in_range(f->n, 1, PLAN_DEVICE_FILTER_MAX);
}

static void end(struct filter *f)
{
	plan_buffer_free(&f->plan);
	arena_free(&f->arena);
}

static bool allowed(const struct filter *f, char kind, uint32_t major, uint32_t minor, uint32_t access)
{
	struct bpf_cgroup_dev_ctx ctx = {
		.access_type = access << 16 | (kind == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR),
		.major = major, .minor = minor,
	};
	uint64_t reg[11] = { 0 };
	uint32_t word;
	size_t at = 0;

	for (unsigned int steps = 0; steps < STEPS_MAX; steps++) {
		const struct bpf_insn *i = &f->insns[at++];
		uint64_t *dst = &reg[i->dst_reg], imm = (uint64_t)(int64_t)i->imm;
		bool jump = false;

		assert_true(at <= f->n);
		switch (i->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			assert_int_equal(i->src_reg, 1);
			assert_true(i->off >= 0 && (size_t)i->off + 4 <= sizeof(ctx));
			memcpy(&word, (const char *)&ctx + i->off, 4);
			*dst = word;
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X: *dst = reg[i->src_reg]; break;
		case BPF_ALU64 | BPF_MOV | BPF_K: *dst = imm; break;
		case BPF_ALU64 | BPF_AND | BPF_K: *dst &= imm; break;
		case BPF_ALU64 | BPF_RSH | BPF_K: *dst >>= imm; break;
		case BPF_JMP32 | BPF_JNE | BPF_K: jump = (uint32_t)*dst != (uint32_t)imm; break;
		case BPF_JMP | BPF_JNE | BPF_K: jump = *dst != imm; break;
		case BPF_JMP | BPF_JSET | BPF_K: jump = (*dst & imm) != 0; break;
		case BPF_JMP | BPF_JA: jump = true; break;
		case BPF_JMP | BPF_EXIT: return reg[0] == 1;
		default: fail_msg("instruction %#x", i->code);
		}
		if (jump)
			at += (size_t)i->off;
	}
	fail_msg("the program does not end");
	return false;
}

static void assert_defaults(const struct filter *f)
{
	assert_true(allowed(f, 'c', 1, 3, R | W));
	assert_true(allowed(f, 'c', 5, 2, R | W | M));
	assert_true(allowed(f, 'c', 136, 77, R | W));
	assert_true(allowed(f, 'c', 10, 200, M));
	assert_true(allowed(f, 'b', 8, 0, M));
}

static void test_defaults(void **state)
{
	struct filter f;

	(void)state;
	begin(&f);
	compile(&f);
	assert_defaults(&f);
	assert_false(allowed(&f, 'c', 1, 1, R)); /* mem */
	assert_false(allowed(&f, 'c', 10, 200, R));
	assert_false(allowed(&f, 'b', 1, 3, R));
	assert_false(allowed(&f, 'b', 8, 0, R | M));
	end(&f);
}

static void test_the_last_rule_counts(void **state)
{
	struct filter f;

	(void)state;
	begin(&f);
	add(&f, true, 'a', -1, -1, R | W | M);
	add(&f, false, 'b', 8, -1, R | W);
	add(&f, true, 'b', 8, 1, R);
	add(&f, false, 'c', 1, 3, R | W | M); /* a default device: stays */
	compile(&f);
	assert_defaults(&f);
	assert_true(allowed(&f, 'c', 1, 1, R | W));
	assert_true(allowed(&f, 'b', 259, 0, R | W | M));
	assert_false(allowed(&f, 'b', 8, 0, R));
	assert_true(allowed(&f, 'b', 8, 1, R));
	assert_false(allowed(&f, 'b', 8, 1, R | W));
	end(&f);
}

static void test_access_of_several_rules_adds_up(void **state)
{
	struct filter f;

	(void)state;
	begin(&f);
	add(&f, false, 'a', -1, -1, R | W | M);
	add(&f, true, 'c', 10, 229, R);
	add(&f, true, 'c', 10, -1, W);
	compile(&f);
	assert_defaults(&f);
	assert_true(allowed(&f, 'c', 10, 229, R | W));
	assert_true(allowed(&f, 'c', 10, 1, W));
	assert_false(allowed(&f, 'c', 10, 1, R));
	assert_false(allowed(&f, 'c', 11, 229, R));
	end(&f);
}

static void test_big_numbers_and_many_rules(void **state)
{
	struct failure failure = { .text = "" };
	struct filter f;

	(void)state;
	begin(&f);
	for (uint32_t i = 0; i < DEVICE_RULES_MAX - 1; i++)
		add(&f, true, 'b', 7, i, R);
	add(&f, true, 'c', UINT32_MAX, 0x80000000, R);
	compile(&f);
	assert_true(allowed(&f, 'c', UINT32_MAX, 0x80000000, R));
	assert_false(allowed(&f, 'c', UINT32_MAX, 0x80000001, R));
	assert_true(allowed(&f, 'b', 7, 0, R));
	assert_true(allowed(&f, 'b', 7, DEVICE_RULES_MAX - 2, R));
	assert_false(allowed(&f, 'b', 7, DEVICE_RULES_MAX - 1, R));
	add(&f, true, 'c', 1, 1, R);
	assert_int_equal(device_filter_compile(&f.rules, &f.plan, &failure), -E2BIG);
	assert_non_null(strstr(failure.text, "linux.resources.devices: expected at most 128"));
	end(&f);
}

static int kernel_load(const struct filter *f)
{
	static char log[65536];
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uintptr_t)f->insns,
		.insn_cnt = (uint32_t)f->n,
		.license = (uintptr_t)"",
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 4 /* statistics alone */,
	};
	int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (log[0])
		print_message("%s", log);
	return fd < 0 ? -errno : fd;
}

static void test_the_verifier_takes_it(void **state)
{
	struct filter f;
	int fd;

	(void)state;
	begin(&f);
	add(&f, true, 'a', -1, -1, R | W | M);
	add(&f, false, 'b', 8, -1, R | W);
	add(&f, false, 'a', -1, -1, R | W | M);
	for (uint32_t i = 3; i < DEVICE_RULES_MAX; i++)
		add(&f, i % 2, 'c', 7, i, R);
	compile(&f);
	fd = kernel_load(&f);
	end(&f);
	if (fd == -EPERM || fd == -ENOSYS)
		skip();
	assert_true(fd >= 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_the_last_rule_counts),
		cmocka_unit_test(test_access_of_several_rules_adds_up),
		cmocka_unit_test(test_big_numbers_and_many_rules),
		cmocka_unit_test(test_the_verifier_takes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
