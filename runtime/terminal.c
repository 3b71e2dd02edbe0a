/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's terminal; see terminal.h. Signals are blocked while nacre runs (signals.h). */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "terminal.h"

#define FOREGROUND_TRIES 32

bool terminal_is_there(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool terminal_is_in_background(void)
{
	pid_t foreground = tcgetpgrp(STDIN_FILENO);

	return foreground >= 0 && foreground != getpgrp();
}

void terminal_size(uint16_t *rows, uint16_t *cols)
{
	struct winsize size = { .ws_row = 0 };

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		size = (struct winsize){ .ws_row = 0 };
	*rows = size.ws_row;
	*cols = size.ws_col;
}

static int set_raw(const struct terminal *terminal)
{
	struct termios raw = terminal->saved;

	cfmakeraw(&raw);
	while (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/*
 * Stops, as a job in the background does when it wants the terminal, until it is in the foreground.
 * The kernel stops no orphaned process group: then a bounded number of tries gets -EIO.
 */
static int wait_for_foreground(void)
{
	sigset_t stop;
	int tries = FOREGROUND_TRIES;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTTOU);
	while (terminal_is_in_background() && tries-- > 0) {
		/* blocked and pending, it takes effect when it is unblocked */
		kill(getpid(), SIGTTOU);
		pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
		pthread_sigmask(SIG_BLOCK, &stop, NULL);
	}
	return tries < 0 ? -EIO : 0;
}

int terminal_set_raw(struct terminal *terminal, struct failure *failure)
{
	int err = wait_for_foreground();

	if (!err && tcgetattr(STDIN_FILENO, &terminal->saved) < 0)
		err = -errno;
	if (!err)
		err = set_raw(terminal);
	if (err)
		return failure_set(failure, err, "standard input: cannot make the terminal raw: %s",
				   strerror(-err));
	terminal->is_raw = true;
	return 0;
}

void terminal_set_raw_again(const struct terminal *terminal)
{
	if (terminal->is_raw && !terminal_is_in_background())
		set_raw(terminal);
}

void terminal_restore(struct terminal *terminal)
{
	if (!terminal->is_raw)
		return;
	terminal->is_raw = false;
	while (tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->saved) < 0 && errno == EINTR)
		;
}
