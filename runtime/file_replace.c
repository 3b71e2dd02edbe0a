/* SPDX-License-Identifier: Apache-2.0 */
/* Files that others read; see file_replace.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "fd.h"
#include "file_replace.h"

static int text_write(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_replace(int dir_fd, const char *name, const char *text, size_t len, mode_t mode)
{
	char temporary[NAME_MAX + 1];
	autoclose int fd = -1;
	int err;

	if (snprintf(temporary, sizeof(temporary), ".%s.new", name) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	/*
	 * What a kill left; where others write it may be theirs, to be written to behind us, or a FIFO. Or it is that of
	 * a second nacre, which is about to give it its name.
	 */
	for (int tries = 0; fd < 0 && tries < 10; tries++) {
		fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
		if (fd < 0 && errno != EEXIST)
			return -errno;
		if (fd < 0)
			(void)unlinkat(dir_fd, temporary, 0);
	}
	if (fd < 0)
		return -EEXIST;
	err = text_write(fd, text, len);
	if (!err && renameat(dir_fd, temporary, dir_fd, name) < 0)
		err = -errno;
	if (err)
		unlinkat(dir_fd, temporary, 0);
	return err;
}
