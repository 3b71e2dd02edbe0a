/* SPDX-License-Identifier: Apache-2.0 */
/* Files of /proc/PID; see procfs.h. */
#include "procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t procfs_read(pid_t pid, const char *file, char *text, size_t size)
{
	char path[48];
	ssize_t n;
	int fd;

	text[0] = 0;
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		n = -errno;
	text[n > 0 ? n : 0] = 0;
	close(fd);
	return n;
}

const char *procfs_stat_field(const char *stat, enum procfs_stat field)
{
	const char *at = strrchr(stat, ')');

	/* Behind the name, each field has a space before it. */
	for (unsigned int i = 2; at && i < (unsigned int)field; i++)
		at = strchr(at + 1, ' ');
	return at ? at + 1 : "";
}

uint64_t procfs_stat_number(const char *stat, enum procfs_stat field)
{
	return strtoull(procfs_stat_field(stat, field), NULL, 10);
}
