/* SPDX-License-Identifier: Apache-2.0 */
/* What has to exist in a read-only root file system before the guest sees it; see exports.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dev_files.h"
#include "exports.h"
#include "fd.h"
#include "resolve.h"

/* O_PATH descriptor of a path of the image, or -errno. */
static int inside(int root_fd, const char *path)
{
	return resolve_path(root_fd, path, RESOLVE_IMAGE);
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

/* What lies on or below one of the first `n` mounts is looked for there, and made by nacre-init. */
static bool is_covered(const struct config_mounts *mounts, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++) {
		if (lies_below(path, mounts->v[i].destination))
			return true;
	}
	return false;
}

void exports_note_new_tmpfs(int root_fd, struct container_config *config)
{
	for (size_t i = 0; i < config->mounts.n; i++) {
		struct config_mount *mount = &config->mounts.v[i];
		autoclose int fd = -1;

		if (strcmp(mount->type, "tmpfs") != 0 ||
		    is_covered(&config->mounts, i, mount->destination))
			continue;
		fd = inside(root_fd, mount->destination);
		if (fd != -ENOENT)
			continue;
		mount->data = arena_printf(&config->arena, "mode=1777%s%s", mount->data[0] ? "," : "",
					   mount->data);
		mount->copy_up = false; /* nothing to fill it with, least of all the mode of what is made */
	}
}

/*
 * Makes one path, if it is none of the first `n` mounts'. An image that cannot be written to anyway is
 * passed over: nacre-init says what is missing. `field` is for the message.
 */
static int make_needed(int root_fd, const struct config_mounts *mounts, size_t n, const char *field,
		       const char *path, mode_t mode, struct failure *failure)
{
	int err = is_covered(mounts, n, path) ? 0 : make_point(root_fd, path, mode, 0);

	if (!err || err == -EROFS)
		return 0;
	return failure_set(failure, err, "%s: cannot make %s in the read-only root file system: %s",
			   field, path, strerror(-err));
}

/* A ptmx of the image's, which would be another instance's, goes as it does in the guest. */
static int make_dev_link(int dev_fd, const char *name, const char *target)
{
	char found[PATH_MAX];
	ssize_t len = readlinkat(dev_fd, name, found, sizeof(found));

	if (len == (ssize_t)strlen(target) && memcmp(found, target, (size_t)len) == 0)
		return 0;
	if (strcmp(name, "ptmx") == 0)
		(void)unlinkat(dev_fd, name, 0);
	return symlinkat(target, dev_fd, name) < 0 && errno != EEXIST && errno != EROFS ? -errno : 0;
}

/* Places of the devices, where no mount of the container is its /dev. */
static int make_dev(int root_fd, const struct container_config *config, struct failure *failure)
{
	const struct config_mounts *mounts = &config->mounts;
	autoclose int dev_fd = -1;
	int err;

	if (is_covered(mounts, mounts->n, "/dev"))
		return 0;
	err = make_needed(root_fd, mounts, mounts->n, "root", "/dev", 0755, failure);
	for (size_t i = 0; i < DEV_NODE_COUNT && !err; i++)
		err = make_needed(root_fd, mounts, mounts->n, "root", dev_nodes[i], FOR_A_FILE,
				  failure);
	if (!err && config->process.terminal)
		err = make_needed(root_fd, mounts, mounts->n, "process.terminal", DEV_CONSOLE,
				  FOR_A_FILE, failure);
	if (err)
		return err;
	dev_fd = inside(root_fd, "/dev");
	for (size_t i = 0; i < DEV_LINK_COUNT && dev_fd >= 0 && !err; i++)
		err = make_dev_link(dev_fd, dev_links[i].name, dev_links[i].target);
	return err ? failure_set(failure, err, "root: cannot make the links of /dev in the "
				 "read-only root file system: %s", strerror(-err)) : 0;
}

int exports_make_needed(int root_fd, const struct container_config *config, struct failure *failure)
{
	const struct config_mounts *mounts = &config->mounts;
	int err = 0;

	for (size_t i = 0; i < mounts->n && !err; i++)
		err = make_needed(root_fd, mounts, i, mounts->v[i].named, mounts->v[i].destination,
				  mounts->v[i].target_is_file ? FOR_A_FILE : 0755, failure);
	if (!err)
		err = make_dev(root_fd, config, failure);
	for (size_t i = 0; i < config->devices.n && !err; i++) {
		if (config->devices.v[i].kind != PLAN_DEVICE_FIFO)
			err = make_needed(root_fd, mounts, mounts->n, "linux.devices",
					  config->devices.v[i].path, FOR_A_FILE, failure);
	}
	for (size_t i = 0; i < config->blocks.n && !err; i++)
		err = make_needed(root_fd, mounts, mounts->n, config->blocks.v[i].named,
				  config->blocks.v[i].guest, FOR_A_FILE, failure);
	if (!err && config->notify_path)
		err = make_needed(root_fd, mounts, mounts->n, "NOTIFY_SOCKET", config->notify_path,
				  FOR_A_FILE, failure);
	/* as runc: a working directory that is missing is made */
	if (!err)
		err = make_needed(root_fd, mounts, mounts->n, "process.cwd", config->process.cwd,
				  0755, failure);
	return err;
}
