/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of child processes; see children.h. */
#include "children.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop.h"
#include "machine.h"
#include "query.h"
#include "session.h"

/* Reaps every child that ended: those of sessions, and what containers left to PID 1. */
static void children_ended(void *owner, uint32_t events)
{
	struct signalfd_siginfo info;
	struct watch *w = owner;
	int status;
	pid_t pid;

	(void)events;
	if (read(w->fd, &info, sizeof(info)) < 0 && errno != EAGAIN)
		machine_die("signalfd: %s", strerror(errno));
	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		if (!query_child_ended(pid))
			session_child_ended(pid, status);
	}
}

static struct watch children = { .fd = -1, .ready = children_ended, .owner = &children };

int children_watch(void)
{
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	children.fd = signalfd(-1, &chld, SFD_NONBLOCK | SFD_CLOEXEC);
	return children.fd < 0 ? -errno : loop_watch(&children, EPOLLIN);
}
