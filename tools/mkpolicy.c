/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkpolicy: compile a seccomp policy file into a C header with the BPF program (build time only).
 *
 *	mkpolicy [--trap] NAME FILE.policy > NAME_policy.h
 *
 * A policy file has one rule per line, and after a '#' the reason why the program needs it:
 *
 *	SYSCALL [argN == VALUE | argN <= VALUE | argN & MASK == VALUE]… # reason
 *
 * A rule without a reason is an error. Conditions on a line are all needed; several lines for one
 * system call are alternatives. Values are numbers or names from the table below. What no rule
 * allows kills the process; with --trap (debug builds) it raises SIGSYS, so that a handler can say
 * which call it was. System calls that the architecture does not have are skipped.
 *
 * The header defines NAME_policy (struct sock_filter[]) and NAME_POLICY_SYSCALLS, their number.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/vhost.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/* Stands for the program's own pid, which its filter.c writes in this number's place. */
#define MKPOLICY_SELF  0x5e1f5e1fu
/* Stand for addresses of constants in the program, in both halves likewise. */
#define MKPOLICY_RESOLVER UINT64_C(0x5e1f5e205e1f5e21)
#define MKPOLICY_NOWHERE  UINT64_C(0x5e1f5e225e1f5e23)
#define CONDITIONS_MAX 6
#define SYSCALLS_MAX   128

static const struct {
	const char *name;
	uint64_t value;
} constants[] = {
	{ "KVM_RUN", KVM_RUN },
	{ "KVM_GET_MP_STATE", KVM_GET_MP_STATE },
	{ "KVM_GET_REGS", KVM_GET_REGS },
	{ "KVM_GET_SREGS", KVM_GET_SREGS },
	{ "KVM_GET_XSAVE", KVM_GET_XSAVE },
	{ "KVM_GET_XCRS", KVM_GET_XCRS },
	{ "KVM_GET_LAPIC", KVM_GET_LAPIC },
	{ "KVM_GET_DEBUGREGS", KVM_GET_DEBUGREGS },
	{ "KVM_GET_VCPU_EVENTS", KVM_GET_VCPU_EVENTS },
	{ "KVM_GET_MSRS", KVM_GET_MSRS },
	{ "KVM_GET_IRQCHIP", KVM_GET_IRQCHIP },
	{ "KVM_GET_CLOCK", KVM_GET_CLOCK },
	{ "TUNSETOFFLOAD", TUNSETOFFLOAD },
	{ "TUNSETQUEUE", TUNSETQUEUE },
	{ "VHOST_SET_FEATURES", VHOST_SET_FEATURES },
	{ "VHOST_SET_VRING_NUM", VHOST_SET_VRING_NUM },
	{ "VHOST_SET_VRING_BASE", VHOST_SET_VRING_BASE },
	{ "VHOST_SET_VRING_ADDR", VHOST_SET_VRING_ADDR },
	{ "VHOST_NET_SET_BACKEND", VHOST_NET_SET_BACKEND },
	{ "KVM_KVMCLOCK_CTRL", KVM_KVMCLOCK_CTRL },
	{ "SIGUSR1", SIGUSR1 },
	{ "FIONBIO", FIONBIO },
	{ "TIOCGWINSZ", TIOCGWINSZ },
	{ "TCGETS", 0x5401 },
	{ "TCSETS", 0x5402 },
	{ "TCSETSF", 0x5404 },
	{ "F_GETFL", F_GETFL },
	{ "F_DUPFD_CLOEXEC", F_DUPFD_CLOEXEC },
	{ "F_SETFD", F_SETFD },
	{ "F_SETFL", F_SETFL },
	{ "F_GETFD", F_GETFD },
	{ "F_OFD_GETLK", F_OFD_GETLK },
	{ "F_OFD_SETLK", F_OFD_SETLK },
	{ "PROT_EXEC", PROT_EXEC },
	{ "PROT_NONE", PROT_NONE },
	{ "MADV_DONTNEED", MADV_DONTNEED },
	{ "RWF_APPEND", RWF_APPEND },
	{ "FUTEX_CMD_MASK", (uint64_t)(uint32_t)FUTEX_CMD_MASK },
	{ "FUTEX_WAIT", FUTEX_WAIT },
	{ "FUTEX_WAKE", FUTEX_WAKE },
	{ "NULL", 0 },
	{ "SELF", MKPOLICY_SELF },
	{ "RESOLVER", MKPOLICY_RESOLVER },
	{ "NOWHERE", MKPOLICY_NOWHERE },
};

static const char *file_name;
static unsigned int line_number;

static void fail(const char *what, const char *detail)
{
	fprintf(stderr, "mkpolicy: %s:%u: %s%s%s\n", file_name, line_number, what,
		detail ? ": " : "", detail ? detail : "");
	exit(1);
}

static uint64_t value_of(const char *word)
{
	char *end;
	uint64_t v;

	for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
		if (!strcmp(word, constants[i].name))
			return constants[i].value;
	}
	errno = 0;
	v = strtoull(word, &end, 0);
	if (errno || !*word || *end)
		fail("unknown value", word);
	return v;
}

static char *next_word(char **rest)
{
	char *word;

	do {
		word = strsep(rest, " \t");
	} while (word && !*word);
	return word;
}

static char *need_word(char **rest)
{
	char *word = next_word(rest);

	if (!word)
		fail("a condition is not complete", NULL);
	return word;
}

/* "argN == V", "argN <= V", "argN & MASK == V"; false at the end of the line. */
static bool parse_condition(char **rest, struct scmp_arg_cmp *c)
{
	char *arg = next_word(rest), *op;
	unsigned int n;

	if (!arg)
		return false;
	if (strncmp(arg, "arg", 3) || arg[3] < '0' || arg[3] > '5' || arg[4])
		fail("argN expected", arg);
	n = (unsigned int)(arg[3] - '0');
	op = need_word(rest);
	if (!strcmp(op, "==")) {
		*c = SCMP_CMP(n, SCMP_CMP_EQ, value_of(need_word(rest)));
	} else if (!strcmp(op, "<=")) {
		*c = SCMP_CMP(n, SCMP_CMP_LE, value_of(need_word(rest)));
	} else if (!strcmp(op, "&")) {
		uint64_t mask = value_of(need_word(rest));

		if (strcmp(need_word(rest), "=="))
			fail("== expected after a mask", NULL);
		*c = SCMP_CMP(n, SCMP_CMP_MASKED_EQ, mask, value_of(need_word(rest)));
	} else {
		fail("unknown comparison", op);
	}
	return true;
}

/* Adds one line's rule. The system call's number, or __NR_SCMP_ERROR for an empty line. */
static int parse_line(scmp_filter_ctx ctx, char *line)
{
	struct scmp_arg_cmp conditions[CONDITIONS_MAX];
	char *reason = strchr(line, '#'), *name;
	unsigned int n = 0;
	int nr, r;

	if (reason)
		*reason++ = 0;
	name = next_word(&line);
	if (!name)
		return __NR_SCMP_ERROR;
	while (reason && isspace((unsigned char)*reason))
		reason++;
	if (!reason || !*reason)
		fail("a rule without its reason", name);
	nr = seccomp_syscall_resolve_name(name);
	if (nr == __NR_SCMP_ERROR)
		fail("unknown system call", name);
	while (line && n < CONDITIONS_MAX && parse_condition(&line, &conditions[n]))
		n++;
	r = seccomp_rule_add_exact_array(ctx, SCMP_ACT_ALLOW, nr, n, conditions);
	if (r && nr >= 0)
		fail("libseccomp refuses the rule", strerror(-r));
	return nr;
}

static unsigned int count_new(int nr)
{
	static int seen[SYSCALLS_MAX];
	static unsigned int n_seen;

	for (unsigned int i = 0; i < n_seen; i++) {
		if (seen[i] == nr)
			return n_seen;
	}
	if (nr >= 0 && n_seen < SYSCALLS_MAX)
		seen[n_seen++] = nr;
	return n_seen;
}

static void print_program(scmp_filter_ctx ctx, const char *name, unsigned int n_syscalls)
{
	int fd = memfd_create("bpf", MFD_CLOEXEC);
	struct sock_filter insn;

	if (fd < 0 || seccomp_export_bpf(ctx, fd) || lseek(fd, 0, SEEK_SET))
		fail("exporting the program", strerror(errno));
	printf("/* Made by mkpolicy from %s. */\n", file_name);
	printf("#include <linux/filter.h>\n\n#define %s_POLICY_SYSCALLS %u\n", name, n_syscalls);
	printf("#define MKPOLICY_SELF 0x%xu /* to be replaced by getpid() */\n", MKPOLICY_SELF);
	printf("#define MKPOLICY_RESOLVER UINT64_C(0x%llx)\n", (unsigned long long)MKPOLICY_RESOLVER);
	printf("#define MKPOLICY_NOWHERE UINT64_C(0x%llx)\n\n", (unsigned long long)MKPOLICY_NOWHERE);
	printf("static const struct sock_filter %s_policy[] = {\n", name);
	while (read(fd, &insn, sizeof(insn)) == sizeof(insn))
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", insn.code, insn.jt, insn.jf, insn.k);
	printf("};\n");
	close(fd);
}

int main(int argc, char **argv)
{
	uint32_t action = SCMP_ACT_KILL_PROCESS;
	unsigned int n_syscalls = 0;
	scmp_filter_ctx ctx;
	char line[512];
	FILE *f;

	if (argc == 4 && !strcmp(argv[1], "--trap")) {
		action = SCMP_ACT_TRAP;
		argv++;
		argc--;
	}
	if (argc != 3) {
		fprintf(stderr, "usage: mkpolicy [--trap] NAME FILE.policy\n");
		return 1;
	}
	file_name = argv[2];
	f = fopen(file_name, "r");
	ctx = seccomp_init(action);
	if (!f || !ctx)
		fail("cannot be opened", strerror(errno));
	/* A call of another architecture (int 0x80) must not end one thread alone. */
	if (seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, action))
		fail("libseccomp refuses the action", NULL);
	/* Calls are found by halving: the kernel runs a filter for each number there is when it is installed. */
	if (seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2))
		fail("libseccomp refuses to sort the calls", NULL);
	while (fgets(line, sizeof(line), f)) {
		line_number++;
		if (!strchr(line, '\n'))
			fail("line too long", NULL);
		*strchr(line, '\n') = 0;
		n_syscalls = count_new(parse_line(ctx, line));
	}
	print_program(ctx, argv[1], n_syscalls);
	seccomp_release(ctx);
	fclose(f);
	return 0;
}
