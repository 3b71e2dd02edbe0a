/* SPDX-License-Identifier: Apache-2.0 */
/* Signals as data; see signals.h. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "signals.h"

#define BIT(signo) (UINT64_C(1) << ((signo) - 1))

void signals_keep_children(void)
{
	struct sigaction keep = { .sa_handler = SIG_DFL };

	sigaction(SIGCHLD, &keep, NULL);
}

int signals_open(struct failure *failure)
{
	/* the system calls themselves: libc leaves signals 32 and 33 out of every set */
	uint64_t mask = ~BIT(SIGCHLD);
	long fd = -1;

	if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, sizeof(mask)) == 0)
		fd = syscall(SYS_signalfd4, -1, &mask, sizeof(mask), SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return failure_set(failure, -errno, "cannot receive signals: %s", strerror(errno));
	return (int)fd;
}

int signals_next(int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		/* our own write to a pipe that nobody reads */
		if (info.ssi_signo == SIGPIPE && info.ssi_pid == (uint32_t)getpid())
			continue;
		return (int)info.ssi_signo;
	}
	return 0;
}

bool signals_is_ending(int signo)
{
	static const int harmless[] = { SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN,
					SIGTTOU, SIGURG,  SIGWINCH };

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		if (harmless[i] == signo)
			return false;
	}
	return true;
}
