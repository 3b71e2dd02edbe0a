/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the pid namespace of a monitor: who is started in it is our own child, is not its first
 * process, and ends by signals that it sends itself; the first one ends after it. Needs root.
 */
/* SOURCES: runtime/pid_holder.c runtime/spawn.c runtime/oom_score.c runtime/visit.c runtime/arena.c runtime/failure.c */
/* SOURCES: runtime/report.c */
/* LIBS: -ljansson -lcap -Wl,--wrap=open */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/pid_holder.h"
#include "runtime/spawn.h"

static bool open_is_late;
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	if (open_is_late && strstr(path, "/ns/"))
		usleep(200000);
	return __real_open(path, flags);
}

/* The value of a line of /proc/PID/status. */
static void status_of(pid_t pid, const char *name, char value[64])
{
	char path[64], line[256];
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	in = fopen(path, "re");
	assert_non_null(in);
	value[0] = '\0';
	while (fgets(line, sizeof(line), in)) {
		if (strncmp(line, name, strlen(name)) == 0)
			snprintf(value, 64, "%.60s", line + strlen(name));
	}
	fclose(in);
}

/* Starts sh -c COMMAND in the holder's namespace; it waits until `gate` is closed. */
static pid_t start_sh(const struct pid_holder *holder, struct arena *arena, const char *command,
		      int *gate)
{
	struct failure failure = { .text = "" };
	struct spawn spawn;
	int ends[2], pidfd = -1;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	spawn_begin(&spawn, arena, "/bin/sh", "sh");
	spawn_arg(&spawn, "-c");
	spawn_arg(&spawn, command);
	spawn.std[0] = ends[0];
	spawn.pid_ns = holder->pid_ns;
	pid = spawn_run(&spawn, &pidfd, &failure);
	assert_string_equal(failure.text, "");
	assert_true(pid > 0 && pidfd >= 0);
	close(pidfd);
	close(ends[0]);
	*gate = ends[1];
	return pid;
}

/* Until SECCOMP_MODE_STRICT, the last stage, is in force. */
static void wait_confined(pid_t pid)
{
	char value[64];

	for (int i = 0; i < 500; i++) {
		status_of(pid, "Seccomp:", value);
		if (atoi(value) == 1)
			return;
		usleep(10000);
	}
	fail_msg("the holder is not confined");
}

static void test_a_life(void **state)
{
	struct pid_holder holder = PID_HOLDER_NONE;
	struct failure failure = { .text = "" };
	struct arena arena = { .blocks = NULL };
	char value[64];
	int gate, status, inner = 0, outer = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pid_holder_start(&holder, -1, &failure), 0);
	pid = start_sh(&holder, &arena, "read line; kill -TERM $$; sleep 10", &gate);
	status_of(pid, "NSpid:", value);
	assert_int_equal(sscanf(value, "%d %d", &outer, &inner), 2);
	assert_int_equal(outer, pid);
	assert_true(inner > 1);
	status_of(pid, "PPid:", value);
	assert_int_equal(atoi(value), getpid());

	wait_confined(holder.pid);
	status_of(holder.pid, "CapEff:", value);
	assert_int_equal(strtoull(value, NULL, 16), 0);

	close(gate);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(waitpid(holder.pid, &status, WNOHANG), 0);
	pid_holder_close(&holder);
	assert_int_equal(waitpid(holder.pid, &status, 0), holder.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	arena_free(&arena);
}

/* Who kills the first process kills all: nothing goes on unseen. */
static void test_killed(void **state)
{
	struct pid_holder holder = PID_HOLDER_NONE;
	struct failure failure = { .text = "" };
	struct arena arena = { .blocks = NULL };
	int gate, status;
	pid_t pid;

	(void)state;
	assert_int_equal(pid_holder_start(&holder, -1, &failure), 0);
	pid = start_sh(&holder, &arena, "read line", &gate);
	assert_int_equal(kill(holder.pid, SIGTERM), 0); /* it has no handler: nothing happens */
	assert_int_equal(kill(holder.pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(waitpid(holder.pid, &status, 0), holder.pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(gate);
	pid_holder_close(&holder);
	arena_free(&arena);
}

/*
 * As nacre of a user: once the holder is confined, its namespaces are closed to who started it. However late it
 * opens them, the holder has waited.
 */
static void test_below_a_user_namespace(void **state)
{
	struct pid_holder holder = PID_HOLDER_NONE;
	struct failure failure = { .text = "" };
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		open_is_late = true;
		if (unshare(CLONE_NEWUSER) < 0)
			_exit(77);
		status = pid_holder_start(&holder, -1, &failure);
		fputs(failure.text, stderr);
		_exit(status == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_life),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_below_a_user_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
