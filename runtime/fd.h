/* SPDX-License-Identifier: Apache-2.0 */
/* Ownership of descriptors: `autoclose int fd = -1;` closes at the end of the scope. */
#ifndef NACRE_RUNTIME_FD_H
#define NACRE_RUNTIME_FD_H

#include <unistd.h>

static inline void fd_autoclose(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define autoclose __attribute__((cleanup(fd_autoclose)))

/* Takes the descriptor out of a variable, which is -1 afterwards. */
static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Closes what the variable holds, if anything; it is -1 afterwards. */
static inline void drop_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

#endif
