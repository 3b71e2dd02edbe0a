/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets in a state directory; see listener.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fd.h"
#include "listener.h"

/* Connections that may wait: four a session, and several sessions at once. */
#define BACKLOG 64

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

int listener_connect(int dir_fd, const char *name, int type)
{
	autoclose int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;

	address_set(&address, dir_fd, name);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return steal_fd(&fd);
}
