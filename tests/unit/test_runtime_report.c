/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of lines for the user: what goes to --log, what to standard error. */
/* SOURCES: runtime/report.c */
/* LIBS: -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/report.h"

static const char *content(const char *path)
{
	static char text[4096];
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors_go_to_both),
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
