/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The witness of kills for want of memory, with plain files in the place of a cgroup's: nothing kills
 * its child, which ends by itself once it has taken what the limit says. Kills by a kernel are shown
 * end to end (46-cgroups.sh).
 */
/* SOURCES: monitor/witness.c monitor/confine.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/filter.h"
#include "monitor/witness.h"

/* The sanitizers need more system calls than witness.policy leaves. */
int filter_apply_witness(void)
{
	return 0;
}

static int file_with(const char *text)
{
	int fd = memfd_create("file", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void expect_file(int fd, const char *text)
{
	char is[64] = "";

	assert_true(pread(fd, is, sizeof(is) - 1, 0) >= 0);
	assert_string_equal(is, text);
}

static bool answers(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	assert_int_equal(poll(&p, 1, 20000), 1);
	return read(fd, &byte, 1) == 1;
}

static struct options options_with(const char *max, int *group, int *swap)
{
	struct options o = {
		.highest_fd = 2, .mount_ns_fd = -1, .net_ns_fd = -1, .memory_current_fd = -1,
		.vmm_score_fd = -1,
	};

	*group = file_with("1\n");
	*swap = file_with("4096\n");
	o.memory_max_fd = file_with(max);
	o.oom_group_fd = dup(*group);
	o.swap_max_fd = dup(*swap);
	return o;
}

static void test_files_are_as_before(void **state)
{
	int group, swap, fd, status;
	struct options o = options_with("8388608\n", &group, &swap);

	(void)state;
	fd = witness_start(&o);
	assert_int_equal(WITNESS_ERROR(fd), 0);
	assert_true(fd >= 0 && o.highest_fd >= fd);
	assert_int_equal(o.memory_max_fd, -1); /* the monitor keeps none of them */
	assert_int_equal(o.oom_group_fd, -1);
	assert_int_equal(o.swap_max_fd, -1);
	for (int i = 0; i < 2; i++) {
		witness_ask(fd);
		assert_true(answers(fd));
		expect_file(group, "1\n");
		expect_file(swap, "4096\n");
	}
	close(fd);
	assert_true(wait(&status) > 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Without a limit nothing would stop it. */
static void test_no_limit(void **state)
{
	int group, swap, fd;
	struct options o = options_with("max\n", &group, &swap);

	(void)state;
	fd = witness_start(&o);
	assert_true(fd >= 0);
	witness_ask(fd);
	assert_true(answers(fd));
	close(fd);
	assert_true(wait(NULL) > 0);
}

/* memory.oom.group that cannot be read is one that cannot be turned off: nobody is killed. */
static void test_no_group_file(void **state)
{
	int group, swap, fd, pair[2];
	struct options o = options_with("8388608\n", &group, &swap);

	(void)state;
	assert_int_equal(pipe(pair), 0);
	close(o.oom_group_fd);
	o.oom_group_fd = pair[0];
	fd = witness_start(&o);
	witness_ask(fd);
	assert_true(answers(fd));
	expect_file(swap, "4096\n");
	close(fd);
	assert_true(wait(NULL) > 0);
}

/* Whether a child took its 300 MiB, with a VMM of that score in a cgroup where `current` is taken. */
static bool kills_with(const char *score, bool may_lower, const char *current)
{
	int group, swap, fd, file;
	struct options o = options_with("314572800\n", &group, &swap);
	struct rusage usage;

	file = file_with(score);
	assert_int_equal(fcntl(file, F_ADD_SEALS, may_lower ? 0 : F_SEAL_WRITE), 0);
	o.vmm_score_fd = dup(file);
	o.memory_current_fd = file_with(current);
	fd = witness_start(&o);
	assert_int_equal(o.vmm_score_fd, -1);
	assert_int_equal(o.memory_current_fd, -1);
	witness_ask(fd);
	assert_true(answers(fd));
	expect_file(file, score); /* as before */
	expect_file(group, "1\n");
	close(fd);
	assert_true(wait(NULL) > 0);
	close(file);
	/* of the witness and its child: the most that one of all until now had */
	assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
	return usage.ru_maxrss > 250 * 1024;
}

/*
 * The kernel would take the VMM where twice what is taken is above the limit's (2 - score / 1000). The
 * cases without a child come first: what a child had stays the most.
 */
static void test_vmm_would_go_first(void **state)
{
	(void)state;
	assert_false(kills_with("200\n", false, "300000000\n"));
	assert_false(kills_with("1000\n", false, "160000000\n"));
	assert_false(kills_with("200\n", false, ""));
	assert_true(kills_with("200\n", false, "250000000\n"));
}

static void test_vmm_score_is_lowered_meanwhile(void **state)
{
	(void)state;
	assert_true(kills_with("1000\n", true, "314572800\n"));
	assert_true(kills_with("-500\n", true, "314572800\n"));
}

static void test_none_is_wanted(void **state)
{
	struct options o = {
		.memory_max_fd = -1, .memory_current_fd = -1, .oom_group_fd = -1,
		.swap_max_fd = -1, .vmm_score_fd = -1,
	};
	int fd = witness_start(&o);

	(void)state;
	assert_int_equal(fd, -1);
	assert_int_equal(WITNESS_ERROR(fd), 0);
	witness_ask(fd); /* is nothing */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_are_as_before),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_no_group_file),
		cmocka_unit_test(test_vmm_would_go_first),
		cmocka_unit_test(test_vmm_score_is_lowered_meanwhile),
		cmocka_unit_test(test_none_is_wanted),
	};

	return cmocka_run_group_tests_name("monitor witness", tests, NULL, NULL);
}
