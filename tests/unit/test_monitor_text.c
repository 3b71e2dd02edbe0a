/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of what reaches a user: the sanitizer, and the lines that say why a VM ended. */
/* SOURCES: monitor/sanitize.c monitor/end_text.c monitor/options.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/end_text.h"
#include "monitor/options.h"
#include "monitor/sanitize.h"

static void test_sanitize(void **state)
{
	static const struct {
		const char *in, *out;
		size_t len; /* 0: strlen(in) */
	} cases[] = {
		{ "plain text ~!", "plain text ~!", 0 },
		{ "", "", 0 },
		{ "  two\r\n\tlines \n", "two lines", 0 },
		{ "a\033[31;1mb\033[0mc", "abc", 0 },
		{ "\033[2J\033[H\033cX", "X", 0 },
		{ "\033]0;title\007after", "after", 0 },
		{ "\033]52;c;AAAA\033\\after", "after", 0 },
		{ "\033Pdcs\033\\x\033_apc\033\\y\033^pm\033\\z", "xyz", 0 },
		{ "\033(Bq", "q", 0 },
		{ "\033]never ends", "", 0 },
		{ "\033[never 12", "ever 12", 0 },
		{ "\033", "", 0 },
		{ "a\033[", "a", 0 },
		{ "\033]a\033[31mb", "b", 0 },
		{ "\033]a\nb", "b", 0 },
		{ "bell\007 del\177 nul\0end", "bell? del? nul?end", 18 },
		{ "\302\233" "31m \377\200", "??31m ??", 0 },
		{ "%s%n", "%s%n", 0 },
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = cases[i].len ? cases[i].len : strlen(cases[i].in);

		sanitize_text(out, sizeof(out), (const uint8_t *)cases[i].in, len);
		assert_string_equal(out, cases[i].out);
	}
}

/* No input and no room makes it write anything but printable ASCII, or too much. */
static void test_sanitize_anything(void **state)
{
	uint8_t in[64];
	char out[40];

	(void)state;
	srandom(1);
	for (int round = 0; round < 20000; round++) {
		size_t len = (size_t)random() % sizeof(in);
		size_t room = 1 + (size_t)random() % (sizeof(out) - 1);
		uint8_t *exact = malloc(len + 1); /* so that a read behind it is seen */
		size_t n;

		for (size_t i = 0; i < len; i++)
			exact[i] = random() % 3 ? (uint8_t)random() : (uint8_t)"\033[]\\P\n;m"[i % 8];
		memset(out, 'Z', sizeof(out));
		exact = realloc(exact, len ? len : 1);
		n = round % 2 ? sanitize_text(out, room, exact, len)
			      : sanitize_log_tail(out, room, exact, len, 3);
		assert_true(n < room);
		assert_int_equal(strlen(out), n);
		for (size_t i = 0; i < n; i++)
			assert_true(out[i] >= ' ' && out[i] <= '~');
		for (size_t i = room; i < sizeof(out); i++)
			assert_int_equal(out[i], 'Z');
		free(exact);
	}
}

static void tail(char *out, size_t room, const char *log, unsigned int lines)
{
	sanitize_log_tail(out, room, (const uint8_t *)log, strlen(log), lines);
}

static void test_log_tail(void **state)
{
	char out[64];

	(void)state;
	tail(out, sizeof(out), "one\ntwo\n\n \nthree\n", 2);
	assert_string_equal(out, "two | three");
	tail(out, sizeof(out), "cut", 2);
	assert_string_equal(out, "cut");
	tail(out, sizeof(out), "\n\n", 2);
	assert_string_equal(out, "");
	tail(out, sizeof(out), "a\nKernel panic - x\nb\nc\nd\n", 3);
	assert_string_equal(out, "Kernel panic - x | c | d");
	tail(out, 12, "one\ntwo\nthree\n", 3);
	assert_string_equal(out, "one | two");
	tail(out, 1, "one\n", 3);
	assert_string_equal(out, "");
}

static void compose(char *out, size_t room, enum vm_end end, uint64_t arg, const char *log)
{
	struct vm_status status = {
		.magic = le32_of(VM_STATUS_MAGIC),
		.end = le32_of(end),
		.arg = le64_of(arg),
		.log_len = le32_of((uint32_t)strlen(log)),
	};

	memcpy(status.log, log, strlen(log));
	end_text_compose(out, room, &status);
}

static void test_end_lines(void **state)
{
	char out[512];

	(void)state;
	end_text_compose(out, sizeof(out), NULL);
	assert_string_equal(out, "nacre-vmm was killed, or the guest closed its connection");
	compose(out, sizeof(out), VM_END_GUEST_RESET, 0, "x\n\033[1mOops\n");
	assert_string_equal(out, "the guest stopped by itself: a kernel panic, reboot or power "
				 "off; the guest's kernel said: x | Oops");
	compose(out, sizeof(out), VM_END_BOOT_TIMEOUT, 30000, "");
	assert_string_equal(out, "the guest kernel did not start within 30 s; is /dev/kvm emulated?");
	compose(out, sizeof(out), VM_END_BOOT_TIMEOUT, 30000, "reboot: System halted\n");
	assert_non_null(strstr(out, "power off; the guest's kernel said: reboot: System halted"));
	compose(out, sizeof(out), VM_END_KVM, UINT64_C(17) << 32 | 1, "");
	assert_string_equal(out, "KVM could not run the guest (exit reason 17, suberror 1)");
	compose(out, sizeof(out), VM_END_SETUP, 0, "kernel: not an ELF file\n");
	assert_string_equal(out, "kernel: not an ELF file");
	compose(out, sizeof(out), VM_END_DEVICE, 26, "");
	assert_string_equal(out, "the guest broke its virtio device 26");
	for (enum vm_end end = 0; end < VM_END_COUNT; end++) {
		compose(out, sizeof(out), end, 1, "log\n");
		assert_true(strlen(out) > 0);
		assert_null(strchr(out, '\n'));
		compose(out, 8, end, 1, "log\n");
		assert_true(strlen(out) < 8);
	}
	compose(out, sizeof(out), (enum vm_end)1000, 0, "");
	assert_true(strlen(out) > 0);
}

static void test_end_log_len_is_bounded(void **state)
{
	struct vm_status status = {
		.magic = le32_of(VM_STATUS_MAGIC),
		.end = le32_of(VM_END_GUEST_RESET),
		.log_len = le32_of(UINT32_MAX),
	};
	char out[4096];

	(void)state;
	memset(status.log, 'A', sizeof(status.log));
	end_text_compose(out, sizeof(out), &status);
	assert_true(strlen(out) < 1200);
}

static void test_end_read(void **state)
{
	char path[] = "/tmp/nacre-status-XXXXXX";
	int fd = mkstemp(path);
	struct vm_status status = { .magic = le32_of(VM_STATUS_MAGIC) };

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	assert_false(end_text_read(fd, &status));
	assert_int_equal(pwrite(fd, &status, sizeof(status) - 1, 0), sizeof(status) - 1);
	assert_false(end_text_read(fd, &status));
	assert_int_equal(pwrite(fd, &status, sizeof(status), 0), sizeof(status));
	assert_true(end_text_read(fd, &status));
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	assert_false(end_text_read(fd, &status));
	close(fd);
}

static const char *options_of(struct options *options, const char *line)
{
	static char copy[512];
	char *argv[32] = { (char *)(uintptr_t)"nacre-monitor" };
	int argc = 1;

	strcpy(copy, line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	return options_parse(options, argc, argv);
}

static void test_options(void **state)
{
	static const char base[] = "--container 2 --control 3 --plan 4 --status 5 --sync 6";
	struct options o;
	char line[256];

	(void)state;
	strcpy(line, base);
	strcat(line, " --stdin 7 --stdout 8 --stderr 9");
	assert_null(options_of(&o, line));
	assert_int_equal(o.container, 2);
	assert_int_equal(o.stderr_fd, 9);
	assert_int_equal(o.highest_fd, 9);
	assert_int_equal(o.lifeline_fd, -1);
	assert_non_null(options_of(&o, base));
	strcat(line, " --tty 10");
	assert_non_null(options_of(&o, line));
	assert_non_null(options_of(&o, "--control 3"));
	assert_non_null(options_of(&o, "--control"));
	assert_non_null(options_of(&o, "--control x"));
	assert_non_null(options_of(&o, "--control 99999999999"));
	assert_non_null(options_of(&o, "--nope 1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sanitize),  cmocka_unit_test(test_sanitize_anything),
		cmocka_unit_test(test_log_tail),  cmocka_unit_test(test_end_lines),
		cmocka_unit_test(test_end_log_len_is_bounded),
		cmocka_unit_test(test_end_read),  cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
