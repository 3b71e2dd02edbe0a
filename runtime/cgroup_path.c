/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the leaf cgroup lies; see cgroup_parts.h. What is below the top belongs to root; another user
 * has the subtree that was delegated (Documentation/admin-guide/cgroup-v2.rst "Delegation"): its
 * directory and its cgroup.procs, cgroup.subtree_control are the user's.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>

#include "cgroup_parts.h"

bool cgroup_is_v2(void)
{
	struct statfs fs;

	return statfs(CGROUP_TOP, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* /proc/PID/cgroup has one line "0::/PATH", also where there are hierarchies of cgroup v1. */
const char *cgroup_of(const char *process, struct arena *arena)
{
	const char *file = arena_printf(arena, "/proc/%s/cgroup", process);
	FILE *in = fopen(file, "re");
	const char *path = NULL;
	char line[PATH_MAX];

	while (in && !path && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) == 0)
			path = arena_printf(arena, CGROUP_TOP "%s", line + 3);
	}
	if (in)
		fclose(in);
	return path;
}

static bool is_delegated(const char *path)
{
	char file[PATH_MAX];

	if (access(path, W_OK) < 0)
		return false;
	if (snprintf(file, sizeof(file), "%s/cgroup.subtree_control", path) >= (int)sizeof(file) ||
	    access(file, W_OK) < 0)
		return false;
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	return access(file, W_OK) == 0;
}

/* The topmost cgroup on the way to our own that the caller may divide, or NULL. */
static const char *delegated_path(struct arena *arena)
{
	const char *own = cgroup_of("self", arena);
	char *path = own ? arena_printf(arena, "%s", own) : NULL;
	size_t len = path ? strlen(path) : 0;

	if (!path)
		return NULL;
	for (size_t i = strlen(CGROUP_TOP); i <= len; i++) {
		char was = path[i];

		if (was != '/' && was != '\0')
			continue;
		path[i] = '\0';
		if (is_delegated(path))
			return path;
		path[i] = was;
	}
	return NULL;
}

const char *cgroup_leaf_path(const struct container_config *config, struct arena *arena)
{
	const char *path = config->cgroups_path;
	/* root's subtree is the whole, also in a container that has a cgroup namespace of its own */
	const char *top = is_delegated(CGROUP_TOP) ? CGROUP_TOP : delegated_path(arena);

	if (!top)
		return NULL;
	while (path && *path == '/')
		path++;
	if (!path || !*path)
		return arena_printf(arena, "%s/nacre/%s", top, config->id);
	/* an engine that knows the whole way to the delegated cgroup names it */
	if (strncmp(path, top + strlen(CGROUP_TOP "/"), strlen(top) - strlen(CGROUP_TOP "/")) == 0 &&
	    strlen(top) > strlen(CGROUP_TOP))
		return arena_printf(arena, CGROUP_TOP "/%s", path);
	return arena_printf(arena, "%s/%s", top, path);
}

int cgroup_systemd_names(const char *path, const char *id, bool rootless, const char **slice,
			 const char **unit, struct arena *arena, struct failure *failure)
{
	const char *first = path ? strchr(path, ':') : NULL;
	const char *second = first ? strchr(first + 1, ':') : NULL;
	const char *prefix = "nacre", *name = id;
	size_t len;

	*slice = rootless ? "user.slice" : "system.slice";
	if (path && *path) {
		if (!second)
			return failure_set(failure, -EINVAL, "linux.cgroupsPath: \"%s\": expected "
					   "SLICE:PREFIX:NAME for systemd", path);
		if (first > path)
			*slice = arena_printf(arena, "%.*s", (int)(first - path), path);
		prefix = arena_printf(arena, "%.*s", (int)(second - first - 1), first + 1);
		name = second + 1;
	}
	len = strlen(*slice);
	if (len <= 6 || strcmp(*slice + len - 6, ".slice") != 0)
		return failure_set(failure, -EINVAL, "linux.cgroupsPath: \"%s\": expected a slice, "
				   "NAME.slice, before the first colon", path);
	*unit = *prefix ? arena_printf(arena, "%s-%s.scope", prefix, name) :
			  arena_printf(arena, "%s.scope", name);
	return 0;
}
