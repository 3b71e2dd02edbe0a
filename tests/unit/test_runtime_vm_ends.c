/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of runtime/vm_ends.c: as many places as there are, each held by a descriptor and its copies. */
/* SOURCES: runtime/vm_ends.c */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/vm_ends.h"

static char all[] = "/tmp/nacre-test-ends-XXXXXX";
static char ends[sizeof(all) + sizeof("/.ends")];

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(all))
		return -1;
	snprintf(ends, sizeof(ends), "%s/.ends", all);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(ends);
	return rmdir(all);
}

static void test_no_more_than_there_are(void **state)
{
	int fd[VM_ENDS_MAX], copy;

	(void)state;
	for (int i = 0; i < VM_ENDS_MAX; i++) {
		fd[i] = vm_ends_take(all);
		assert_true(fd[i] >= 0);
		assert_true(fcntl(fd[i], F_GETFD) & FD_CLOEXEC);
	}
	assert_int_equal(vm_ends_take(all), -EAGAIN);
	/* a copy holds it on */
	copy = dup(fd[17]);
	close(fd[17]);
	assert_int_equal(vm_ends_take(all), -EAGAIN);
	close(copy);
	fd[17] = vm_ends_take(all);
	assert_true(fd[17] >= 0);
	for (int i = 0; i < VM_ENDS_MAX; i++)
		close(fd[i]);
}

/* What lies there instead is not followed, and not waited for. */
static void test_something_else(void **state)
{
	(void)state;
	assert_int_equal(vm_ends_take("/tmp/nacre-test-ends-that-is-not-there"), -ENOENT);
	unlink(ends);
	assert_int_equal(symlink("/dev/null", ends), 0);
	assert_int_equal(vm_ends_take(all), -ELOOP);
	unlink(ends);
	assert_int_equal(mkfifo(ends, 0600), 0);
	assert_int_equal(vm_ends_take(all), -EINVAL);
	unlink(ends);
	assert_int_equal(mkdir(ends, 0700), 0);
	assert_int_equal(vm_ends_take(all), -EISDIR);
	assert_int_equal(rmdir(ends), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_more_than_there_are),
		cmocka_unit_test(test_something_else),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
