/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets in a state directory; see listener.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "fd.h"
#include "listener.h"

/* Connections that may wait: four a session, and several sessions at once. */
#define BACKLOG 64
/* How long whoever listens may take to accept one of so many. */
#define CONNECT_WAIT_MS 30000

static void address_set(struct sockaddr_un *address, int dir_fd, const char *name)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", dir_fd, name);
}

int listener_create(int dir_fd, const char *name, int type, struct failure *failure)
{
	autoclose int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;

	address_set(&address, dir_fd, name);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return failure_set(failure, -errno, "%s: cannot make the socket: %s", name,
				   strerror(errno));
	return steal_fd(&fd);
}

static int set_send_wait(int fd, int ms)
{
	const struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000L };

	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0 ? -errno : 0;
}

int listener_connect_within(int dir_fd, const char *name, int type, int ms)
{
	autoclose int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	int err = fd < 0 ? -errno : set_send_wait(fd, ms);

	address_set(&address, dir_fd, name);
	/*
	 * unix(7): EAGAIN when nobody has taken one of those that wait by then. With a timeout not even SIGCONT lets it
	 * go on, signal(7): EINTR.
	 */
	if (!err) {
		do
			err = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
		while (err == -EINTR);
	}
	if (err == -EAGAIN)
		err = -ETIMEDOUT;
	if (!err)
		err = set_send_wait(fd, 0);
	return err ? err : steal_fd(&fd);
}

int listener_connect(int dir_fd, const char *name, int type)
{
	return listener_connect_within(dir_fd, name, type, CONNECT_WAIT_MS);
}
