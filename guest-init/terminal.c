/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals; see terminal.h. */
#include "terminal.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <termios.h>

#include "dev_files.h"
#include "kernel.h"
#include "mounts.h"
#include "rootpath.h"
#include "setup.h"

/* <asm-generic/ioctls.h>; musl has no name for it. */
#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

/* The master side of a new pty, from a directory that is checked to be a devpts and not the
 * image's. */
static int open_master(int root)
{
	int pts = rootpath_open(root, "/dev/pts"), master;
	struct statfs fs;

	if (pts < 0)
		setup_fail(-pts, "terminal: /dev/pts");
	if (fstatfs(pts, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		setup_fail(0, "terminal: no devpts is mounted at /dev/pts");
	master = openat(pts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
	if (master < 0)
		setup_fail(errno, "terminal: /dev/pts/ptmx");
	close(pts);
	return master;
}

static void bind_console(int root, int slave)
{
	int target = rootpath_make(root, DEV_CONSOLE, true, NULL), r;

	r = target < 0 ? target : mounts_bind(slave, "", target);
	if (r < 0)
		setup_fail(-r, "terminal: " DEV_CONSOLE);
	close(target);
}

static void clear_cr(int slave)
{
	struct termios settings;

	if (tcgetattr(slave, &settings) < 0)
		setup_fail(errno, "terminal: settings");
	settings.c_oflag &= ~(tcflag_t)ONLCR;
	if (tcsetattr(slave, TCSANOW, &settings) < 0)
		setup_fail(errno, "terminal: settings");
}

int terminal_open(int root, const struct plan *p, bool console, int *slave)
{
	const struct plan_process *x = p->process;
	struct winsize size = {
		.ws_row = le16_get(x->rows),
		.ws_col = le16_get(x->cols),
		.ws_xpixel = le16_get(x->xpixel),
		.ws_ypixel = le16_get(x->ypixel),
	};
	int master = open_master(root), unlock = 0;

	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		setup_fail(errno, "terminal: unlock");
	/* Not by its name: the name is looked up in a tree that is not ours. */
	*slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0)
		setup_fail(errno, "terminal: slave");
	if ((size.ws_row != 0 || size.ws_col != 0) && ioctl(master, TIOCSWINSZ, &size) < 0)
		setup_fail(errno, "terminal: size");
	if (plan_has(p, PLAN_PLAIN_LINES))
		clear_cr(*slave);
	/* The user may open it again; its group stays that of the devpts (tty). */
	if (fchown(*slave, le32_get(x->uid), (gid_t)-1) < 0)
		setup_fail(errno, "terminal: owner");
	if (console)
		bind_console(root, *slave);
	return master;
}

void terminal_take(int slave)
{
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		setup_fail(errno, "terminal: TIOCSCTTY");
	for (int i = 0; i <= STDERR_FILENO; i++) {
		if (dup2(slave, i) < 0)
			setup_fail(errno, "terminal: descriptor %d", i);
	}
	if (slave > STDERR_FILENO)
		close(slave);
}
