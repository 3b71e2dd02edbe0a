/* SPDX-License-Identifier: Apache-2.0 */
/* The host's leaf cgroup; see cgroup.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <linux/magic.h>

#include "cgroup.h"
#include "fd.h"
#include "report.h"

#define CGROUP_TOP "/sys/fs/cgroup"
/* How long a killed process may take to leave its cgroup. */
#define REMOVE_TRIES   50
#define REMOVE_STEP_NS 10000000L

/*
 * Makes the directories of a path. The last one must be new: what is in it will be killed, so it
 * must be nobody else's. An empty one that was left is taken over.
 */
static bool make_below_top(const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return false;
	memcpy(part, path, len + 1);
	for (size_t i = strlen(CGROUP_TOP) + 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		part[i] = '\0';
		if (i == len)
			rmdir(part);
		if (mkdir(part, 0755) < 0 && (errno != EEXIST || i == len))
			return false;
		part[i] = path[i];
	}
	return true;
}

const char *cgroup_create(const char *path, const char *id, struct arena *arena)
{
	const char *leaf;
	struct statfs fs;

	if (statfs(CGROUP_TOP, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return NULL;
	while (path && *path == '/')
		path++;
	if (path && *path)
		leaf = arena_printf(arena, CGROUP_TOP "/%s", path);
	else
		leaf = arena_printf(arena, CGROUP_TOP "/nacre/%s", id);
	if (!make_below_top(leaf)) {
		report_debug("%s: cannot make, going on without: %s", leaf, strerror(errno));
		return NULL;
	}
	return leaf;
}

int cgroup_open(const char *leaf)
{
	return leaf ? open(leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

void cgroup_kill(const char *leaf)
{
	char file[PATH_MAX];
	autoclose int kill_fd = -1;

	snprintf(file, sizeof(file), "%s/cgroup.kill", leaf);
	kill_fd = open(file, O_WRONLY | O_CLOEXEC);
	if (kill_fd >= 0 && write(kill_fd, "1", 1) != 1)
		report_debug("%s: %s", file, strerror(errno));
}

void cgroup_remove(const char *leaf)
{
	const struct timespec step = { .tv_nsec = REMOVE_STEP_NS };

	cgroup_kill(leaf);
	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (rmdir(leaf) == 0 || errno == ENOENT)
			return;
		if (errno != EBUSY)
			break;
		nanosleep(&step, NULL);
	}
	report_warning("%s: cannot remove: %s", leaf, strerror(errno));
}
