/* SPDX-License-Identifier: Apache-2.0 */
/* Mount points in a read-only root file system; see exports.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exports.h"
#include "fd.h"

/*
 * O_PATH descriptor of a path of the image, or -errno. Its symbolic links lead nowhere but into the
 * root file system, and never through a descriptor of ours.
 */
static int inside(int root_fd, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

#define FOR_A_FILE 0

/* Makes the last component of `path` in its directory, which exists. */
static int make_last(int root_fd, char *path, mode_t mode)
{
	char *slash = strrchr(path, '/');
	autoclose int parent = -1;
	autoclose int made = -1;

	*slash = 0;
	parent = inside(root_fd, slash == path ? "/" : path);
	*slash = '/';
	if (parent < 0)
		return parent;
	if (mode != FOR_A_FILE) {
		mode_t mask = umask(0);
		int err = mkdirat(parent, slash + 1, mode) < 0 ? -errno : 0;

		umask(mask);
		return err;
	}
	made = openat(parent, slash + 1, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return made < 0 ? -errno : 0;
}

#define LINKS_MAX 40 /* as the kernel follows */

static int make_point(int root_fd, const char *destination, mode_t mode, int links);

/*
 * What stands in the way of `path` is a symbolic link that leads to nothing yet: makes what it leads
 * to. Images have such ones, /etc/resolv.conf to begin with. -EEXIST when it is no link.
 */
static int make_target(int root_fd, const char *path, mode_t mode, int links)
{
	char target[PATH_MAX], made[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int dir_len = (int)(slash - path);
	autoclose int parent = -1;
	ssize_t len;
	int n;

	snprintf(made, sizeof(made), "%.*s/", dir_len, path);
	parent = inside(root_fd, made);
	if (parent < 0)
		return parent;
	len = readlinkat(parent, slash + 1, target, sizeof(target) - 1);
	if (len < 0)
		return errno == EINVAL ? -EEXIST : -errno;
	target[len] = 0;
	n = target[0] == '/' ? snprintf(made, sizeof(made), "%s", target)
			     : snprintf(made, sizeof(made), "%.*s/%s", dir_len, path, target);
	if (links >= LINKS_MAX)
		return -ELOOP;
	return (size_t)n >= sizeof(made) ? -ENAMETOOLONG
					 : make_point(root_fd, made, mode, links + 1);
}

/* Makes what is missing of one destination, which `links` links have led to. 0 or -errno. */
static int make_point(int root_fd, const char *destination, mode_t mode, int links)
{
	char path[PATH_MAX];
	size_t len = strlen(destination);

	if (len >= sizeof(path) || destination[0] != '/')
		return -ENAMETOOLONG;
	memcpy(path, destination, len + 1);
	while (len > 1 && path[len - 1] == '/')
		path[--len] = 0;
	for (size_t end = 1; end <= len; end++) {
		char kept = path[end];
		mode_t wanted = kept == 0 ? mode : 0755;
		int fd, err;

		if (kept != '/' && kept != 0)
			continue;
		path[end] = 0;
		fd = inside(root_fd, path);
		err = fd >= 0 ? 0 : fd;
		if (fd >= 0)
			close(fd);
		else if (err == -ENOENT && path[end - 1] != '/')
			err = make_last(root_fd, path, wanted);
		if (err == -EEXIST)
			err = make_target(root_fd, path, wanted, links);
		path[end] = kept;
		if (err && err != -EEXIST)
			return err;
	}
	return 0;
}

/* Whether `path` lies on or below `above`. */
static bool lies_below(const char *path, const char *above)
{
	size_t len = strlen(above);

	while (len > 1 && above[len - 1] == '/')
		len--;
	return !strncmp(path, above, len) && (path[len] == '/' || path[len] == 0 || len == 1);
}

/* A mount below an earlier one has its mount point there, and nacre-init makes it in the guest. */
static bool is_covered(const struct config_mounts *mounts, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (lies_below(mounts->v[i].destination, mounts->v[k].destination))
			return true;
	}
	return false;
}

/*
 * A tmpfs takes the mode of what it covers; on what did not exist it is for everybody, as the kernel
 * has it.
 */
static mode_t point_mode(const struct config_mount *mount)
{
	if (mount->target_is_file)
		return FOR_A_FILE;
	return strcmp(mount->type, "tmpfs") == 0 ? 01777 : 0755;
}

int exports_make_mount_points(int root_fd, const struct container_config *config,
			      struct failure *failure)
{
	for (size_t i = 0; i < config->mounts.n; i++) {
		const struct config_mount *mount = &config->mounts.v[i];
		int err;

		if (is_covered(&config->mounts, i))
			continue;
		err = make_point(root_fd, mount->destination, point_mode(mount), 0);
		/* An image that cannot be written to anyway: nacre-init says what is missing. */
		if (err && err != -EROFS)
			return failure_set(failure, err,
					   "%s: cannot make the mount point %s in the read-only "
					   "root file system: %s",
					   mount->named, mount->destination, strerror(-err));
	}
	return 0;
}
