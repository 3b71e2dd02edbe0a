/* SPDX-License-Identifier: Apache-2.0 */
/* A companion that this nacre started; see child.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

#include "child.h"
#include "fd.h"

int child_start(struct child *child, struct spawn *spawn, struct failure *failure)
{
	autoclose int lines_fd = lines_open(&child->lines);
	pid_t pid;

	if (lines_fd < 0)
		return failure_set(failure, lines_fd, "pipe: %s", strerror(-lines_fd));
	spawn->std[2] = lines_fd;
	pid = spawn_run(spawn, &child->pidfd, failure);
	if (pid < 0)
		return pid;
	child->pid = pid;
	return 0;
}

void child_reap(struct child *child)
{
	if (child->pid <= 0 || child->ended)
		return;
	if (waitpid(child->pid, &child->wait_status, WNOHANG) == child->pid)
		child->ended = true;
	lines_read(&child->lines);
}

int64_t child_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void child_finish(struct child *child, int64_t deadline_ms)
{
	struct pollfd wait = { .fd = child->pidfd, .events = POLLIN };

	if (child->pid <= 0)
		return;
	while (!child->ended) {
		int64_t left = deadline_ms - child_now_ms();
		int n = poll(&wait, 1, left > 0 ? (int)left : 0);

		if (n == 0) {
			child->killed_by_us = true;
			pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
			/* nothing keeps a process from SIGKILL but a wait in the kernel */
			deadline_ms = child_now_ms() + 1000;
			if (poll(&wait, 1, 1000) == 0)
				break;
		}
		child_reap(child);
	}
	lines_read(&child->lines);
	drop_fd(&child->pidfd);
	drop_fd(&child->lines.fd);
}

void child_let_go(struct child *child)
{
	lines_read(&child->lines);
	drop_fd(&child->pidfd);
	drop_fd(&child->lines.fd);
}
