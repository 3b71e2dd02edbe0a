/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's PID 1 with --init; see reaper.h. It has no open descriptor but the one to tell init
 * the status through, no capability but CAP_KILL, and is not dumpable: the process that it looks
 * after has the same user and must not get at this program's memory.
 */
#include "reaper.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "creds.h"
#include "kernel.h"
#include "setup.h"

/* Signals that say something about the reaper itself and are not passed on. */
static bool is_own(int signo)
{
	return signo == SIGCHLD || signo == SIGSEGV || signo == SIGBUS || signo == SIGILL ||
	       signo == SIGFPE || signo == SIGTTIN || signo == SIGTTOU;
}

/* Reaps whatever ended. True once `child` did. */
static bool reap(pid_t child)
{
	struct reaper_word word;
	bool over = false;
	pid_t pid;

	while ((pid = waitpid(-1, &word.status, WNOHANG | __WALL)) > 0) {
		if (pid != child)
			continue;
		over = true;
		/* If init does not hear it, it goes by the exit status below. */
		if (write(SETUP_STATUS_FD, &word, sizeof(word)) < 0)
			_exit(WIFEXITED(word.status) ? WEXITSTATUS(word.status)
						     : 128 + WTERMSIG(word.status));
	}
	return over;
}

static _Noreturn void look_after(pid_t child)
{
	sigset_t all;

	prctl(PR_SET_NAME, "nacre-reaper", 0, 0, 0);
	creds_keep_kill_only();
	for (int fd = 0; fd < SETUP_FDS_END; fd++) {
		if (fd != SETUP_STATUS_FD)
			close(fd);
	}
	kernel_close_range(SETUP_FDS_END, ~0u);
	sigfillset(&all);
	for (;;) {
		int signo = sigwaitinfo(&all, NULL);

		if (signo > 0 && !is_own(signo))
			kill(child, signo);
		/* PID 1 ends: the kernel kills what is left in the namespace. */
		if (reap(child))
			_exit(0);
	}
}

void reaper_split(void)
{
	sigset_t all, old;
	pid_t child;

	/* Blocked signals wait for sigwaitinfo, also those that PID 1 would not get otherwise. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	child = fork();
	if (child < 0)
		setup_fail(errno, "reaper");
	if (child > 0)
		look_after(child);
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(SETUP_STATUS_FD);
}
