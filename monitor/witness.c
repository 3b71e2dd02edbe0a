/* SPDX-License-Identifier: Apache-2.0 */
/* The witness of kills for want of memory; see witness.h. */
#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine.h"
#include "filter.h"

/* What it takes at a time. */
#define STEP ((size_t)4 << 20)

/* Its only descriptors. */
enum {
	FD_ASK, FD_MEMORY_MAX, FD_MEMORY_CURRENT, FD_OOM_GROUP, FD_SWAP_MAX, FD_SCORE, FD_VMM_SCORE,
	FD_COUNT
};

/* The scores: proc(5), /proc/PID/oom_score_adj. */
#define SCORE_MOST 1000

/* What holds for the moment of a kill. */
static struct setting {
	int fd;
	const char *during;
	char before[32];
	size_t before_len;
} settings[] = {
	{ .fd = FD_OOM_GROUP, .during = "0" },
	{ .fd = FD_SWAP_MAX, .during = "0" },
};
static struct setting own_score = { .fd = FD_SCORE, .during = "1000" };
#define N_SETTINGS (sizeof(settings) / sizeof(settings[0]))

/* False when it must not be gone on: memory.oom.group would take the VM along. */
static bool setting_change(struct setting *s)
{
	ssize_t n = pread(s->fd, s->before, sizeof(s->before), 0);

	if (n > 0 && pwrite(s->fd, s->during, strlen(s->during), 0) > 0)
		s->before_len = (size_t)n;
	/* a kernel without an account of swap has no such file, and one without swap nothing to push out */
	return s->before_len > 0 || s->fd == FD_SWAP_MAX;
}

static void setting_restore(struct setting *s)
{
	char now[sizeof(s->before)] = "";

	/* what somebody else has written meanwhile stays */
	if (s->before_len && pread(s->fd, now, sizeof(now) - 1, 0) > 0 &&
	    strncmp(now, s->during, strlen(s->during)) == 0 &&
	    pwrite(s->fd, s->before, s->before_len, 0) < 0)
		_exit(1); /* nobody is there who could do better */
	s->before_len = 0;
}

/* The number in a file; 0 for none, as in memory.max without a limit. */
static long long number_in(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strtoll(text, NULL, 10);
}

/*
 * A score of its own, which the VMM has from whoever started it or from config.json, must not count for
 * the moment. It stays where only an administrator could lower it.
 */
static bool has_vmm_score;
static struct setting vmm_score = { .fd = FD_VMM_SCORE, .during = "0" };

/*
 * Whether the kernel would take the child. It takes whoever has the most, with a thousandth of the
 * limit added for each point of its score (mm/oom_kill.c, oom_badness()): the child has what is left of
 * the limit and 1000 points, the VMM at most what is taken now.
 */
static bool child_goes_first(long long max)
{
	/* where its score is closed to us ours is as good: it was started as we were */
	long long score = has_vmm_score ? number_in(FD_VMM_SCORE) : strtoll(own_score.before, NULL, 10);
	long long current = number_in(FD_MEMORY_CURRENT);

	return score <= 0 || (current > 0 && 2 * current < max / SCORE_MOST * (2LL * SCORE_MOST - score));
}

/* In the child: takes memory until it is killed, and no more than there can be. */
static void __attribute__((noreturn)) take_memory(size_t most)
{
	for (size_t taken = 0; taken < most; taken += STEP) {
		if (mmap(NULL, STEP, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
			break;
	}
	_exit(0);
}

static void be_killed(void)
{
	long long max = number_in(FD_MEMORY_MAX);
	bool ready = max > 0;
	long pid;

	for (size_t i = 0; i < N_SETTINGS; i++)
		ready = setting_change(&settings[i]) && ready;
	ready = setting_change(&own_score) && ready;
	if (has_vmm_score && number_in(FD_VMM_SCORE) > 0)
		setting_change(&vmm_score);
	ready = ready && child_goes_first(max);
	/* the bare call, as fork() makes it: there are no threads whose locks could matter */
	pid = ready ? syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : -1;
	if (pid == 0)
		take_memory((size_t)max);
	while (pid > 0 && wait4((pid_t)pid, NULL, 0, NULL) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < N_SETTINGS; i++)
		setting_restore(&settings[i]);
	setting_restore(&own_score);
	setting_restore(&vmm_score);
}

/* Puts the descriptors at their numbers, all others closed: nobody waits for the end of our copies. */
static int take_descriptors(int ask_fd, const struct options *options)
{
	int fds[FD_COUNT] = {
		[FD_ASK] = ask_fd,
		[FD_MEMORY_MAX] = options->memory_max_fd,
		[FD_MEMORY_CURRENT] = options->memory_current_fd,
		[FD_OOM_GROUP] = options->oom_group_fd,
		[FD_SWAP_MAX] = options->swap_max_fd,
		[FD_SCORE] = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC),
		[FD_VMM_SCORE] = options->vmm_score_fd,
	};

	has_vmm_score = options->vmm_score_fd >= 0;
	for (int i = 0; i < FD_COUNT; i++) {
		if (fds[i] >= 0)
			fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 64);
		if (fds[i] < 0 && i != FD_SWAP_MAX && i != FD_MEMORY_CURRENT && i != FD_VMM_SCORE)
			return -errno;
	}
	for (int i = 0; i < FD_COUNT; i++) {
		if (fds[i] < 0)
			close(i);
		else if (dup3(fds[i], i, O_CLOEXEC) < 0)
			return -errno;
	}
	return 0;
}

static void __attribute__((noreturn)) witness_main(int ask_fd, const struct options *options)
{
	char asked[64];

	prctl(PR_SET_NAME, "oom-witness", 0L, 0L, 0L);
	if (take_descriptors(ask_fd, options) < 0 ||
	    confine_enter(options->net_ns_fd, options->mount_ns_fd) < 0 ||
	    confine_privileges(FD_COUNT - 1) < 0 || confine_files(-1) < 0 ||
	    filter_apply_witness() < 0)
		_exit(1);
	/* Below this line only the system calls of witness.policy are left. */

	/* what was asked for meanwhile is one kill more, however often */
	while (read(FD_ASK, asked, sizeof(asked)) > 0) {
		be_killed();
		if (write(FD_ASK, "", 1) != 1)
			break;
	}
	_exit(0);
}

static void close_files(struct options *options)
{
	int *const files[] = { &options->memory_max_fd, &options->memory_current_fd,
			       &options->oom_group_fd, &options->swap_max_fd,
			       &options->vmm_score_fd };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (*files[i] >= 0)
			close(*files[i]);
		*files[i] = -1;
	}
}

int witness_start(struct options *options)
{
	int pair[2];
	pid_t pid;

	if (options->memory_max_fd < 0 || options->oom_group_fd < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno - 1;
	pid = fork();
	if (pid == 0)
		witness_main(pair[1], options);
	close(pair[1]);
	close_files(options);
	if (pid < 0) {
		close(pair[0]);
		return -errno - 1;
	}
	if (pair[0] > options->highest_fd)
		options->highest_fd = pair[0];
	return pair[0];
}

void witness_ask(int fd)
{
	if (fd >= 0 && send(fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return; /* it is gone, or has been asked a thousand times */
}
