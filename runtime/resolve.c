/* SPDX-License-Identifier: Apache-2.0 */
/* See resolve.h. */
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * openat2(2), EAGAIN: the kernel cannot be sure of a ".." while anything on the host is renamed or mounted. Whoever
 * does nothing but rename its own files, a container too, must not keep others from being made. With a processor of
 * its own for that it spoils 99 of 100 tries of a path with hundreds of them.
 */
#define TRIES 100000

int resolve_path(int dir_fd, const char *path, uint64_t resolve)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = resolve };
	long fd = -1;

	for (int i = 0; i < TRIES && fd < 0; i++) {
		fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
		if (fd < 0 && errno != EAGAIN && errno != EINTR)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}
