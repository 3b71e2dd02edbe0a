/* SPDX-License-Identifier: Apache-2.0 */
/* --pid-file; see pid_file.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fd.h"
#include "file_replace.h"
#include "path_split.h"
#include "pid_file.h"

int pid_file_check(const char *path, struct failure *failure)
{
	struct path_split split;
	autoclose int dir_fd = path ? path_split_open(path, &split) : -1;

	if (path && dir_fd < 0)
		return failure_set(failure, dir_fd, "--pid-file %s: cannot write: %s", path,
				   strerror(-dir_fd));
	return 0;
}

int pid_file_write(const char *path, pid_t pid, struct failure *failure)
{
	struct path_split split;
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", (int)pid);
	autoclose int dir_fd = -1;
	int err;

	if (!path)
		return 0;
	dir_fd = path_split_open(path, &split);
	err = dir_fd < 0 ? dir_fd : file_replace(dir_fd, split.name, text, (size_t)len, 0644);
	if (err)
		return failure_set(failure, err, "--pid-file %s: cannot write: %s", path,
				   strerror(-err));
	return 0;
}
