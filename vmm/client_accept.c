/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See client_accept.h. A descriptor is kept in reserve: with its number a client can be accepted and told that
 * it is not welcome. Left in the queue it would wait, and a loop that waits for level-triggered events would
 * run round and round.
 */
#include "client_accept.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static int reserve_fd = -1;

int client_accept_init(void)
{
	if (reserve_fd < 0)
		reserve_fd = eventfd(0, EFD_CLOEXEC);
	return reserve_fd < 0 ? -errno : 0;
}

static int accept_one(int listener_fd)
{
	int fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		return fd;
	return errno == ECONNABORTED || errno == EINTR ? -EAGAIN : -errno;
}

int client_accept(int listener_fd)
{
	int fd = accept_one(listener_fd);

	if (fd >= 0 || fd == -EAGAIN || reserve_fd < 0)
		return fd;
	close(reserve_fd);
	reserve_fd = accept_one(listener_fd);
	if (reserve_fd < 0)
		return reserve_fd;
	/* Closed for the client, but not here: nothing in this process can make another reserve. */
	shutdown(reserve_fd, SHUT_RDWR);
	return -EAGAIN;
}
