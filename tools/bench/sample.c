/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sample of a start: runs a command and takes three times of this machine's CLOCK_MONOTONIC.
 *
 *   sample SECONDS COMMAND [ARG…]
 *
 *   spawned  just before the command is forked
 *   first    the first byte of its output is here; the program that probe.c is writes it as its first
 *            system call, so this is when its first instruction is known to have run, and the way of
 *            that byte to the caller counts as part of the start. `output` is that byte: another than the
 *            probe's is what a kernel or a runtime had to say
 *   exited   waitpid() has returned
 *
 * Prints them in ns as one JSON object, `first` and `output` 0 if there was none, with the wait status: -1 if
 * the command did not end within SECONDS and was killed. Static and small, so that what is measured
 * is the command: a vfork, two blocking calls, nothing else. The command's stdin is /dev/null, its
 * stderr is ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static pid_t child;
static volatile sig_atomic_t timed_out;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void fail(const char *what, int err)
{
	fprintf(stderr, "sample: %s: %s\n", what, strerror(err));
	exit(125);
}

/* The command is a process group of its own. */
static void on_alarm(int signo)
{
	(void)signo;
	timed_out = 1;
	kill(-child, SIGKILL);
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	uint64_t spawned, first = 0, exited;
	struct rusage usage;
	struct sigaction act = {.sa_handler = on_alarm};
	int out[2], status, err;
	unsigned char byte = 0;
	ssize_t n;

	if (argc < 3) {
		fputs("usage: sample SECONDS COMMAND [ARG…]\n", stderr);
		return 125;
	}
	if (pipe2(out, O_CLOEXEC) != 0)
		fail("pipe2", errno);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out[1], 1);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	sigaction(SIGALRM, &act, NULL);

	spawned = now_ns();
	err = posix_spawnp(&child, argv[2], &files, &attr, argv + 2, environ);
	if (err)
		fail(argv[2], err);
	close(out[1]);
	alarm((unsigned int)strtoul(argv[1], NULL, 10));
	n = read(out[0], &byte, 1);
	if (n == 1)
		first = now_ns();
	/* A read or wait that the alarm ends is done again: the killed child is to be reaped. */
	while (wait4(child, &status, 0, &usage) < 0)
		if (errno != EINTR)
			fail("wait4", errno);
	exited = now_ns();
	alarm(0);
	printf("{\"spawned\": %" PRIu64 ", \"first\": %" PRIu64 ", \"output\": %u, \"exited\": %" PRIu64
	       ", \"status\": %d, \"max_rss_kib\": %ld}\n",
	       spawned, first, (unsigned int)byte, exited,
	       timed_out ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
	       usage.ru_maxrss);
	return 0;
}
