/* SPDX-License-Identifier: Apache-2.0 */
/* The score of the helpers on the host, tried on a child. */
/* SOURCES: runtime/oom_score.c runtime/arena.c runtime/report.c runtime/failure.c */
/* LIBS: -lcap -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/oom_score.h"

static struct arena arena;

static int score_now(void)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		_exit(99);
	close(fd);
	return atoi(text);
}

static bool score_set(const char *text)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) > 0;

	close(fd);
	return done;
}

/* Runs it in a child, whose exit status it returns: 0 for all as it should be. */
static int in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A process that is not root's any more takes a score above 0 back, as nacre-vmm's does. */
static int raised(void)
{
	oom_score_take("300");
	if (score_now() != 300)
		return 1;
	/* the child of a child inherits score and floor */
	if (setresuid(65534, 65534, 65534) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
		return 2;
	return score_set("0") && score_now() == 0 ? 0 : 3;
}

static int lowered(void)
{
	oom_score_take("-300");
	return score_now() == -300 ? 0 : 1;
}

/* As a user who may not lower it: nothing changes, nothing fails. */
static int not_lowered(void)
{
	if (!score_set("200") || setresuid(65534, 65534, 65534) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1) < 0)
		return 1;
	oom_score_take("-100");
	return score_now() == 200 ? 0 : 2;
}

static int callers(void)
{
	struct config_process process = { .oom_score_adj = CONFIG_OOM_SCORE_NONE };
	const char *score;

	if (!score_set("0") || oom_score_of(&process, &arena) || !score_set("250"))
		return 1;
	score = oom_score_of(&process, &arena);
	if (!score || strcmp(score, "250") != 0)
		return 2;
	oom_score_inherit(&process); /* the process inside has it, too */
	if (process.oom_score_adj != 250)
		return 4;
	process.oom_score_adj = -7;
	oom_score_inherit(&process);
	score = oom_score_of(&process, &arena);
	return score && strcmp(score, "-7") == 0 ? 0 : 3;
}

static void test_scores(void **state)
{
	(void)state;
	assert_int_equal(in_child(callers), 0);
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(raised), 0);
	assert_int_equal(in_child(not_lowered), 0);
	if (prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE) == 1)
		assert_int_equal(in_child(lowered), 0);
}

static void test_of_another_process(void **state)
{
	char text[16] = "";
	int fd = oom_score_open(getpid());

	(void)state;
	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_int_equal(oom_score_open(-1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scores),
		cmocka_unit_test(test_of_another_process),
	};

	return cmocka_run_group_tests_name("oom scores", tests, NULL, NULL);
}
