/* SPDX-License-Identifier: Apache-2.0 */
/* A path as directory and name; see path_split.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "path_split.h"

int path_split_open(const char *path, struct path_split *split)
{
	const char *slash = strrchr(path, '/');
	int fd;

	split->name = slash ? slash + 1 : path;
	if (split->name[0] == '\0')
		return -EISDIR;
	if (strlen(path) >= sizeof(split->dir))
		return -ENAMETOOLONG;
	if (slash == path)
		snprintf(split->dir, sizeof(split->dir), "/");
	else if (slash)
		snprintf(split->dir, sizeof(split->dir), "%.*s", (int)(slash - path), path);
	else
		snprintf(split->dir, sizeof(split->dir), ".");
	fd = open(split->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
