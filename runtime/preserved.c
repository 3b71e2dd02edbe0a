/* SPDX-License-Identifier: Apache-2.0 */
/* Preserved descriptors; see preserved.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd.h"
#include "preserved.h"
#include "process_options.h"

#define FIRST_FD 3

/* The descriptors that a service manager passes, if they are meant for this process. */
static uint64_t listen_fds(void)
{
	const char *n = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	char *end;
	unsigned long value;

	if (!n || n[0] < '0' || n[0] > '9' || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	value = strtoul(n, &end, 10);
	return *end || value > PROTO_PRESERVED_MAX + 1 ? PROTO_PRESERVED_MAX + 1 : value;
}

/* NULL, or what a socket is that cannot be copied as a stream. */
static const char *socket_wrong(int fd)
{
	int type = 0, listens = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_STREAM)
		return "a socket of datagrams";
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens)
		return "a listening socket";
	return NULL;
}

/* What a descriptor is that is refused, or NULL with the kind set. */
static const char *wrong_with(int fd, enum plan_fd_kind *kind)
{
	int mode = fcntl(fd, F_GETFL), flags = fcntl(fd, F_GETFD);
	struct stat st;

	/* what nacre opened itself is close-on-exec; what it was given cannot be */
	if (mode < 0 || flags < 0 || (flags & FD_CLOEXEC) || fstat(fd, &st) < 0)
		return "not open";
	if ((mode & O_ACCMODE) == O_RDWR)
		*kind = PLAN_FD_BOTH;
	else
		*kind = (mode & O_ACCMODE) == O_RDONLY ? PLAN_FD_READ : PLAN_FD_WRITE;
	if (mode & O_PATH)
		return "a path";
	switch (st.st_mode & S_IFMT) {
	case S_IFIFO:
		return *kind == PLAN_FD_BOTH ? "a pipe open for both directions" : NULL;
	case S_IFCHR:
		return NULL;
	case S_IFSOCK:
		return socket_wrong(fd);
	case S_IFREG:
		return "a regular file";
	case S_IFDIR:
		return "a directory";
	case S_IFBLK:
		return "a block device";
	default: /* eventfd, epoll, pidfd... */
		return "of a kind that is no stream";
	}
}

int preserved_take(struct preserved *preserved, uint64_t asked, struct container_config *config,
		   struct failure *failure)
{
	uint64_t n_listen = listen_fds(), n = n_listen + asked;

	*preserved = (struct preserved){ .n = 0 };
	if (n > PROTO_PRESERVED_MAX)
		return failure_set(failure, -E2BIG, "--preserve-fds, LISTEN_FDS: %llu descriptors: "
				   "expected at most %u", (unsigned long long)n,
				   PROTO_PRESERVED_MAX);
	for (size_t i = 0; i < n; i++) {
		int fd = FIRST_FD + (int)i;
		const char *wrong = wrong_with(fd, &preserved->kinds[i]);

		if (wrong)
			return failure_set(failure, -EINVAL, "%s: descriptor %d is %s: expected a "
					   "pipe, a connected stream socket, a terminal or another "
					   "character device",
					   i < n_listen ? "LISTEN_FDS" : "--preserve-fds", fd, wrong);
		preserved->fds[i] = fd;
		preserved->n++;
	}
	config->preserved = preserved;
	if (n_listen == 0)
		return 0;
	return process_set_env(config, arena_printf(&config->arena, "LISTEN_FDS=%u",
						    (unsigned int)n_listen), failure);
}

void preserved_close(struct preserved *preserved)
{
	for (size_t i = 0; i < preserved->n; i++)
		drop_fd(&preserved->fds[i]);
	preserved->n = 0;
}
