/* SPDX-License-Identifier: Apache-2.0 */
/* A pseudo-terminal for the caller; see console.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>

#include "console.h"
#include "fd.h"
#include "listener.h"
#include "path_split.h"

static int socket_connect(const char *path, struct failure *failure)
{
	struct path_split split;
	autoclose int dir_fd = path_split_open(path, &split);
	int fd = dir_fd < 0 ? dir_fd
			    : listener_connect(dir_fd, split.name, SOCK_STREAM);

	if (fd < 0)
		return failure_set(failure, fd, "--console-socket %s: expected a socket that "
				   "somebody listens on: %s", path, strerror(-fd));
	return fd;
}

static int terminal_make(struct console *console, uint16_t rows, uint16_t cols)
{
	struct winsize size = { .ws_row = rows, .ws_col = cols };
	struct termios raw;

	console->master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (console->master_fd < 0 || grantpt(console->master_fd) < 0 ||
	    unlockpt(console->master_fd) < 0)
		return -errno;
	if (ptsname_r(console->master_fd, console->name, sizeof(console->name)) != 0)
		return -errno;
	/* by the master, not by the name: that one may be of another devpts */
	console->slave_fd = ioctl(console->master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (console->slave_fd < 0 || tcgetattr(console->slave_fd, &raw) < 0)
		return -errno;
	cfmakeraw(&raw);
	if (tcsetattr(console->slave_fd, TCSANOW, &raw) < 0)
		return -errno;
	if ((rows || cols) && ioctl(console->master_fd, TIOCSWINSZ, &size) < 0)
		return -errno;
	return 0;
}

int console_open(struct console *console, const char *socket_path, uint16_t rows, uint16_t cols,
		 struct failure *failure)
{
	int err;

	console->socket_fd = socket_connect(socket_path, failure);
	if (console->socket_fd < 0)
		return console->socket_fd;
	err = terminal_make(console, rows, cols);
	if (err)
		return failure_set(failure, err, "cannot make a pseudo-terminal: %s",
				   strerror(-err));
	return 0;
}

int console_send(const struct console *console, struct failure *failure)
{
	char name[sizeof(console->name)];
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .room = "" };
	struct iovec payload = { .iov_base = name, .iov_len = strlen(console->name) };
	struct msghdr message = {
		.msg_iov = &payload,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	memcpy(name, console->name, sizeof(name));
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &console->master_fd, sizeof(int));
	if (sendmsg(console->socket_fd, &message, MSG_NOSIGNAL) < 0)
		return failure_set(failure, -errno, "--console-socket: cannot send the terminal: "
				   "%s", strerror(errno));
	return 0;
}

void console_close(struct console *console)
{
	drop_fd(&console->slave_fd);
	drop_fd(&console->master_fd);
	drop_fd(&console->socket_fd);
}
