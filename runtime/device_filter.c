/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device filter; see device_filter.h. Kernel 6.1 Documentation/admin-guide/cgroup-v2.rst "Device
 * controller": the program gets the kind, the numbers and the wanted access, and answers 1 or 0.
 *
 * Rules are gone through from the last to the first. An allowing one takes what it allows off the
 * access that is still wanted, and when nothing is left the answer is yes; a denying one that meets
 * a wanted access says no. So reading may be allowed by one rule and writing by another.
 */
#include <errno.h>
#include <linux/bpf.h>

#include "device_filter.h"
#include "plan.h"

#define ACCESS_ALL (BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)

/* Registers; 1 is the context and 0 the answer, by the calling convention. */
enum { ANSWER, CONTEXT, WANTED, KIND, MAJOR, MINOR };

/* Of one rule at most. */
#define RULE_INSNS 7u
#define FRAME_INSNS 9u

/* What every container may use, whatever its rules: runtime-linux.md "Default Devices". */
static const struct device_rule defaults[] = {
	{ true, 'a', -1, -1, BPF_DEVCG_ACC_MKNOD }, /* a node alone opens nothing */
	{ true, 'c', 1, 3, ACCESS_ALL },	    /* null */
	{ true, 'c', 1, 5, ACCESS_ALL },	    /* zero */
	{ true, 'c', 1, 7, ACCESS_ALL },	    /* full */
	{ true, 'c', 1, 8, ACCESS_ALL },	    /* random */
	{ true, 'c', 1, 9, ACCESS_ALL },	    /* urandom */
	{ true, 'c', 5, 0, ACCESS_ALL },	    /* tty */
	{ true, 'c', 5, 1, ACCESS_ALL },	    /* console */
	{ true, 'c', 5, 2, ACCESS_ALL },	    /* ptmx */
	{ true, 'c', 136, -1, ACCESS_ALL },	    /* /dev/pts/N */
};

#define N(table) (sizeof(table) / sizeof((table)[0]))

struct program {
	struct bpf_insn insns[PLAN_DEVICE_FILTER_MAX];
	size_t n;
};

static void emit(struct program *p, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	p->insns[p->n++] = (struct bpf_insn){
		.code = code, .dst_reg = (uint8_t)(dst & 0xf), .src_reg = (uint8_t)(src & 0xf),
		.off = off, .imm = imm,
	};
}

static void emit_answer(struct program *p, bool allow)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, ANSWER, 0, 0, allow);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* struct bpf_cgroup_dev_ctx: access in the upper half of its first word, kind in the lower. */
static void emit_head(struct program *p)
{
	emit(p, BPF_LDX | BPF_MEM | BPF_W, WANTED, CONTEXT,
	     offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	emit(p, BPF_ALU64 | BPF_MOV | BPF_X, KIND, WANTED, 0, 0);
	emit(p, BPF_ALU64 | BPF_AND | BPF_K, KIND, 0, 0, 0xffff);
	emit(p, BPF_ALU64 | BPF_RSH | BPF_K, WANTED, 0, 0, 16);
	emit(p, BPF_LDX | BPF_MEM | BPF_W, MAJOR, CONTEXT,
	     offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	emit(p, BPF_LDX | BPF_MEM | BPF_W, MINOR, CONTEXT,
	     offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

/* Goes to the next rule, `behind` instructions further, unless the register has the value. */
static void emit_unless(struct program *p, uint8_t reg, int64_t value, size_t behind)
{
	emit(p, BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, (int16_t)behind, (int32_t)(uint32_t)value);
}

static void emit_rule(struct program *p, const struct device_rule *rule)
{
	size_t conditions = (rule->kind != 'a' ? 1u : 0u) + (rule->major >= 0 ? 1u : 0u) +
			    (rule->minor >= 0 ? 1u : 0u);
	size_t behind = conditions + 4;

	if (rule->kind != 'a')
		emit_unless(p, KIND, rule->kind == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR,
			    --behind);
	if (rule->major >= 0)
		emit_unless(p, MAJOR, rule->major, --behind);
	if (rule->minor >= 0)
		emit_unless(p, MINOR, rule->minor, --behind);
	if (rule->allow) {
		emit(p, BPF_ALU64 | BPF_AND | BPF_K, WANTED, 0, 0, (int32_t)~rule->access);
		emit(p, BPF_JMP | BPF_JNE | BPF_K, WANTED, 0, 2, 0);
	} else {
		emit(p, BPF_JMP | BPF_JSET | BPF_K, WANTED, 0, 1, (int32_t)rule->access);
		emit(p, BPF_JMP | BPF_JA, 0, 0, 2, 0);
	}
	emit_answer(p, rule->allow);
}

static_assert(FRAME_INSNS + RULE_INSNS * (DEVICE_RULES_MAX + N(defaults)) <= PLAN_DEVICE_FILTER_MAX,
	      "every list of rules fits");

int device_filter_compile(const struct device_rules *rules, struct plan_buffer *plan,
			  struct failure *failure)
{
	static struct program program;

	program.n = 0;
	if (rules->n > DEVICE_RULES_MAX)
		return failure_set(failure, -E2BIG, "linux.resources.devices: expected at most %u "
				   "rules", DEVICE_RULES_MAX);
	emit_head(&program);
	for (size_t i = N(defaults); i-- > 0;)
		emit_rule(&program, &defaults[i]);
	for (size_t i = rules->n; i-- > 0;)
		emit_rule(&program, &rules->v[i]);
	emit_answer(&program, false);
	plan_buffer_add(plan, PLAN_DEVICE_FILTER, program.insns,
			program.n * sizeof(program.insns[0]), NULL);
	return 0;
}
