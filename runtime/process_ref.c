/* SPDX-License-Identifier: Apache-2.0 */
/* A process by pid and start time; see process_ref.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>

#include "fd.h"
#include "process_ref.h"

/* Of /proc/PID/stat, counted from the word behind the name, which is the state, field 3. */
#define WORDS_TO_START 19

/* Reads state and start time. False when there is no such process. */
static bool stat_read(pid_t pid, char *state, uint64_t *start)
{
	char path[32];
	char text[1024];
	autoclose int fd = -1;
	const char *at;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	at = strrchr(text, ')'); /* the name may hold anything */
	if (!at || at[1] != ' ')
		return false;
	at += 2;
	*state = *at;
	for (int i = 0; i < WORDS_TO_START; i++) {
		at = strchr(at, ' ');
		if (!at)
			return false;
		at++;
	}
	*start = strtoull(at, NULL, 10);
	return true;
}

struct process_ref process_ref_of(pid_t pid)
{
	struct process_ref process = { .pid = pid };
	char state;

	if (pid <= 0 || !stat_read(pid, &state, &process.start))
		process.pid = 0;
	return process;
}

bool process_ref_is_alive(const struct process_ref *process)
{
	uint64_t start;
	char state;

	return process->pid > 0 && stat_read(process->pid, &state, &start) &&
	       start == process->start && state != 'Z' && state != 'X';
}

int process_ref_open(const struct process_ref *process)
{
	autoclose int fd = process->pid > 0 ? pidfd_open(process->pid, 0) : -1;

	/* looked at only now: from here on the descriptor and the pid name the same process */
	if (fd < 0 || !process_ref_is_alive(process))
		return -ESRCH;
	return steal_fd(&fd);
}

static int pidfd_wait(int pidfd, int ms)
{
	struct pollfd wait = { .fd = pidfd, .events = POLLIN };

	return poll(&wait, 1, ms) > 0 ? 0 : -ETIMEDOUT;
}

int process_ref_wait(const struct process_ref *process, int ms)
{
	autoclose int pidfd = process_ref_open(process);

	return pidfd < 0 ? 0 : pidfd_wait(pidfd, ms);
}

int process_ref_kill(const struct process_ref *process, int ms)
{
	autoclose int pidfd = process_ref_open(process);

	if (pidfd < 0)
		return 0;
	pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	return pidfd_wait(pidfd, ms);
}
