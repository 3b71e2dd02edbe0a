/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of lines for the user: what goes to --log, what to standard error. */
/* SOURCES: runtime/report.c runtime/failure.c */
/* LIBS: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/failure.h"
#include "runtime/report.h"

static const char *content(const char *path)
{
	static char text[8192];
	FILE *in = fopen(path, "re");
	size_t n = in ? fread(text, 1, sizeof(text) - 1, in) : 0;

	if (in)
		fclose(in);
	text[n] = '\0';
	return text;
}

/* As runc and crun: callers read the log (podman) or standard error (containerd's shim, of kill). */
static void test_errors_go_to_both(void **state)
{
	int saved = dup(STDERR_FILENO), err;

	(void)state;
	assert_int_equal(report_open("log", REPORT_JSON, false), 0);
	err = open("err", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(saved >= 0 && err >= 0);
	dup2(err, STDERR_FILENO);
	report_settle();
	report_warning("a warning");
	report_error("c1: container not\n\033running");
	dup2(saved, STDERR_FILENO);
	close(err);
	close(saved);
	assert_string_equal(content("err"), "nacre: c1: container not ?running\n");
	assert_non_null(strstr(content("log"), "{\"level\":\"warning\",\"msg\":\"a warning\""));
	assert_non_null(strstr(content("log"), "{\"level\":\"error\",\"msg\":\"c1: container not ?running\""));
}

/* What is in the log after one error, as text. */
static const char *line_of(const char *text)
{
	assert_int_equal(truncate("log", 0), 0);
	report_error("%s", text);
	return content("log");
}

static void test_hostile_text(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "a\tb\nc\033[2J\x7f", "a b c?[2J?" },
		/* C1 controls: as bytes, and as characters of UTF-8 */
		{ "\x9b""31m \xc2\x9b""31m \xc2\x80", "?31m ?31m ?" },
		/* order of reading, ends of lines */
		{ "\xe2\x80\xaegnp \xe2\x81\xa6 \xe2\x80\xa8 \xd8\x9c", "?gnp ? ? ?" },
		{ "d\xc3\xa9j\xc3\xa0 \xe2\x82\xac \xf0\x9f\x90\x9a", "d\xc3\xa9j\xc3\xa0 \xe2\x82\xac \xf0\x9f\x90\x9a" },
		/* not UTF-8: overlong, a surrogate, beyond the last character, cut off */
		{ "\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82", "?? ??? ???? ??" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char wanted[128];

		assert_int_equal(report_open("log", REPORT_TEXT, false), 0);
		snprintf(wanted, sizeof(wanted), "nacre: %s\n", cases[i].line);
		assert_string_equal(line_of(cases[i].text), wanted);
		assert_int_equal(report_open("log", REPORT_JSON, false), 0);
		assert_non_null(strstr(line_of(cases[i].text), "\"msg\":\""));
	}
}

/* The longest text, of what takes the most room in JSON. */
static void test_long_text(void **state)
{
	char text[4096];
	const char *line;

	(void)state;
	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(report_open("log", REPORT_JSON, false), 0);
	line = line_of(text);
	assert_non_null(strstr(line, "\\\"\\\"\",\"time\":\""));
	assert_int_equal(line[strlen(line) - 1], '\n');
	assert_true(strlen(line) > 4000);
}

/* In a process of its own, as each verb is: warns, fails if asked to, and ends. */
static const char *log_of_a_verb(bool fails)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		unlink("log");
		if (report_open("log", REPORT_JSON, false) != 0)
			_exit(1);
		report_warning("before");
		if (fails)
			report_error("failed");
		report_warning("behind");
		report_settle();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return content("log");
}

/* podman decodes the log of a verb that failed as one object. */
static void test_warnings_of_a_verb(void **state)
{
	const char *log = log_of_a_verb(false);

	(void)state;
	assert_non_null(strstr(log, "before"));
	assert_non_null(strstr(log, "behind"));
	log = log_of_a_verb(true);
	assert_non_null(strstr(log, "failed"));
	assert_null(strstr(log, "before"));
	assert_null(strstr(log, "behind"));
}

/* The promise of one line holds where the text is made, also for who prints it by other ways. */
static void test_failure_is_one_line(void **state)
{
	struct failure failure = { .text = "" };

	(void)state;
	assert_int_equal(failure_set(&failure, -22, "type: \"%s\"", "mo\nt\x1b[2J\xff"), -22);
	assert_string_equal(failure.text, "type: \"mo t?[2J?\"");
	failure.text[0] = '\0';
	assert_int_equal(failure_set(&failure, -ENOENT, "%s", ""), -ENOENT);
	assert_string_equal(failure.text, "No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_warnings_of_a_verb), /* first: nothing is settled yet */
		cmocka_unit_test(test_errors_go_to_both),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_failure_is_one_line),
	};
	char dir[] = "/tmp/nacre-report.XXXXXX";
	int failed;

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink("log");
	unlink("err");
	if (chdir("/") == 0)
		rmdir(dir);
	return failed;
}
