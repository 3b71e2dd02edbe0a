/* SPDX-License-Identifier: Apache-2.0 */
/* What nacre-fsd may show to the guest; see exports.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "exports.h"
#include "fd.h"
#include "kernel_fs.h"
#include "overlay.h"
#include "report.h"
#include "userns.h"

enum readonly { WRITABLE, READONLY_TOP, READONLY_ALL };

/*
 * Of a mount that is nowhere yet. nosuid and nodev: nothing of a container's files is ever run or
 * opened as a device on the host. READONLY_TOP leaves the mounts below it as they are. 0 or -errno.
 */
static int tree_restrict(int fd, bool recursive, enum readonly readonly, uint32_t propagation)
{
	unsigned int below = recursive ? AT_RECURSIVE : 0;
	struct mount_attr top = { .attr_set = MOUNT_ATTR_RDONLY };
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
			    (readonly == READONLY_ALL ? MOUNT_ATTR_RDONLY : 0u),
		.propagation = propagation & MS_SLAVE ? MS_SLAVE : MS_PRIVATE,
	};

	if (mount_setattr(fd, "", AT_EMPTY_PATH | below, &attr, sizeof(attr)) < 0)
		return -errno;
	if (readonly == READONLY_TOP && mount_setattr(fd, "", AT_EMPTY_PATH, &top, sizeof(top)) < 0)
		return -errno;
	return 0;
}

/* Clones the mount of a path. A descriptor or -errno. */
static int tree_clone(const char *path, bool recursive, enum readonly readonly, uint32_t propagation)
{
	unsigned int below = recursive ? AT_RECURSIVE : 0;
	autoclose int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | below);
	int err = fd < 0 ? -errno : tree_restrict(fd, recursive, readonly, propagation);

	return err ? err : steal_fd(&fd);
}

/* devtmpfs calls itself tmpfs in statfs. A line of mountinfo, proc(5): "ID PARENT MAJOR:MINOR ... - TYPE ..." */
static bool is_devtmpfs(int fd)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	unsigned int major, minor;
	bool found = false;
	char *line = NULL;
	size_t room = 0;
	struct stat st;

	if (!f)
		return false;
	if (fstat(fd, &st) < 0)
		st.st_dev = 0; /* no device's */
	while (!found && getline(&line, &room, f) > 0)
		/* the kernel wrote it */
		found = strstr(line, " - devtmpfs ") &&
			sscanf(line, "%*u %*u %u:%u", &major, &minor) == 2 && /* NOLINT(cert-err34-c) */
			st.st_dev == makedev(major, minor);
	free(line);
	fclose(f);
	return found;
}

/* nacre-fsd would hand nothing of it out. */
static int file_system_check(int fd, const char *field, const char *path, struct failure *failure)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return failure_set(failure, -errno, "%s: %s: %s", field, path, strerror(errno));
	if (kernel_fs_is((uint32_t)fs.f_type) || (fs.f_type == TMPFS_MAGIC && is_devtmpfs(fd)))
		return failure_set(failure, -EINVAL,
				   "%s: %s: procfs, sysfs, devtmpfs and other file systems through which "
				   "the host's kernel speaks cannot be shared with a VM", field, path);
	return 0;
}

/* There would be no place to put the old root: pivot_root(2), EBUSY. */
static bool is_own_root(const char *path)
{
	char real[PATH_MAX];

	return realpath(path, real) && strcmp(real, "/") == 0;
}

static int root_open(struct exports *exports, const struct container_config *config,
		     struct failure *failure)
{
	const char *path = config->root_path;
	const char *field = config->bundle ? "root.path" : "--rootfs";
	autoclose int readable = -1;
	struct stat st;

	if (stat(path, &st) < 0)
		return failure_set(failure, -errno, "%s: %s: expected a directory: %s", field, path,
				   strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return failure_set(failure, -ENOTDIR, "%s: %s: expected a directory", field, path);
	if (is_own_root(path))
		return failure_set(failure, -EINVAL, "%s: %s: expected a directory of the container's "
				   "own, not the host's root", field, path);
	readable = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (readable < 0)
		return failure_set(failure, -errno, "%s: %s: expected a readable directory: %s",
				   field, path, strerror(errno));
	if (file_system_check(readable, field, path, failure) != 0)
		return -EINVAL;
	exports->root_readonly = config->root_readonly;
	exports->root_fd = tree_clone(path, true, WRITABLE, config->root_propagation);
	if (exports->root_fd < 0)
		return failure_set(failure, exports->root_fd, "%s: %s: cannot clone its mount: %s",
				   field, path, strerror(-exports->root_fd));
	return 0;
}

/*
 * config.md "Mounts": without mappings of its own an idmapped mount has the container's. fsd, which
 * maps host ids to the container's, sees the mapped owners as it would see any others.
 */
static int volume_idmap(const struct config_mount *mount, const struct container_config *config,
			int fd, struct failure *failure)
{
	const struct config_id_maps *uids = mount->uid_maps.n ? &mount->uid_maps : &config->uid_maps;
	const struct config_id_maps *gids = mount->gid_maps.n ? &mount->gid_maps : &config->gid_maps;
	unsigned int below = mount->idmap_recursive ? AT_RECURSIVE : 0;
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	autoclose int userns_fd = -1;

	if (uids->n == 0 || gids->n == 0)
		return failure_set(failure, -EINVAL, "%s: %s: idmap: expected uidMappings and "
				   "gidMappings of the mount or of a user namespace", mount->named,
				   mount->source);
	userns_fd = userns_create_for_mount(uids, gids, failure);
	if (userns_fd < 0)
		return userns_fd;
	attr.userns_fd = (unsigned int)userns_fd;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | below, &attr, sizeof(attr)) < 0)
		return failure_set(failure, -errno, "%s: %s: idmap: refused by the kernel: %s",
				   mount->named, mount->source, strerror(errno));
	return 0;
}

/*
 * The guest's kernel leaves times of access to the host's. "noatime" is of the mount alone, "rnoatime" of those below
 * it as well. In a user namespace the host's are locked, mount_namespaces(7).
 */
static int volume_access_times(const struct config_mount *mount, int fd)
{
	unsigned int below = mount->times_below ? AT_RECURSIVE : 0;
	struct mount_attr attr = { .attr_set = 0 };

	if (mount->flags & (MS_NOATIME | MS_STRICTATIME | MS_RELATIME))
		attr.attr_clr = MOUNT_ATTR__ATIME;
	if (mount->flags & MS_NOATIME)
		attr.attr_set = MOUNT_ATTR_NOATIME;
	else if (mount->flags & MS_STRICTATIME)
		attr.attr_set = MOUNT_ATTR_STRICTATIME;
	if (mount->flags & MS_NODIRATIME)
		attr.attr_set |= MOUNT_ATTR_NODIRATIME;
	if ((!attr.attr_set && !attr.attr_clr) ||
	    mount_setattr(fd, "", AT_EMPTY_PATH | below, &attr, sizeof(attr)) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	report_warning("%s: %s: times of access stay as the host has them: only root may change that",
		       mount->named, mount->source);
	return 0;
}

static int volume_check(const struct config_mount *mount, int fd, const struct stat *st,
			struct failure *failure)
{
	if (!S_ISDIR(st->st_mode) && !S_ISREG(st->st_mode))
		return failure_set(failure, -EINVAL,
				   "%s: %s: expected a directory or a regular file: sockets, pipes "
				   "and devices of the host cannot be shared with a VM",
				   mount->named, mount->source);
	return file_system_check(fd, mount->named, mount->source, failure);
}

/* config.md "Linux mount options": "ro" is of the mount alone, "rro" of those below it as well. */
static enum readonly readonly_of(const struct config_mount *mount)
{
	if (!(mount->flags & MS_RDONLY))
		return WRITABLE;
	if (mount->recursive && !mount->readonly_below && mounts_below(mount->source))
		return READONLY_TOP;
	return READONLY_ALL;
}

static bool is_overlay(const struct config_mount *mount)
{
	return strcmp(mount->type, "overlay") == 0;
}

struct layer_check {
	const struct config_mount *mount;
	struct failure *failure;
};

/* What is seen of an overlay is overlayfs, whatever lies below. */
static int layer_check(void *ctx, const char *path)
{
	const struct layer_check *check = ctx;
	autoclose int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? 0 : /* the kernel's to refuse */
	       file_system_check(fd, check->mount->named, path, check->failure);
}

static int overlay_check(const struct config_mount *mount, struct failure *failure)
{
	struct layer_check check = { .mount = mount, .failure = failure };
	size_t len = mount->data ? strlen(mount->data) : 0;

	if (len > OVERLAY_OPTIONS_MAX)
		return failure_set(failure, -E2BIG, "%s: overlay: expected at most %u bytes of options, not "
				   "%zu", mount->named, OVERLAY_OPTIONS_MAX, len);
	return overlay_layers(mount, layer_check, &check);
}

/* A descriptor or -errno. */
static int volume_mount(const struct config_mount *mount, const struct container_config *config,
			enum readonly readonly)
{
	autoclose int fd = -1;
	int err;

	if (!is_overlay(mount))
		return tree_clone(mount->source, mount->recursive, readonly, mount->propagation);
	fd = overlay_open(mount, config->root_path);
	err = fd < 0 ? fd : tree_restrict(fd, false, readonly, mount->propagation);
	return err ? err : steal_fd(&fd);
}

static int volume_open(struct exports *exports, const struct container_config *config,
		       struct config_mount *mount, struct failure *failure)
{
	size_t i = exports->n_volumes;
	enum readonly readonly = readonly_of(mount);
	int err = is_overlay(mount) ? overlay_check(mount, failure) : 0;
	struct stat st;
	int fd;

	if (err)
		return err;
	fd = volume_mount(mount, config, readonly);
	if (fd < 0 && is_overlay(mount))
		return failure_set(failure, fd, "%s: overlay \"%s\": %s", mount->named, mount->data,
				   strerror(-fd));
	/* mount_namespaces(7): what is mounted there was locked when a user's namespace was made */
	if (fd == -EINVAL && !mount->recursive && mounts_below(mount->source)) {
		autoclose int source = open(mount->source, O_PATH | O_CLOEXEC);

		err = source < 0 ? 0 : file_system_check(source, mount->named, mount->source, failure);
		return err ? err : failure_set(failure, fd, "%s: %s: bind: expected rbind: mounts lie below it, and "
				   "only root may show what they hide", mount->named,
				   mount->source);
	}
	if (fd < 0)
		return failure_set(failure, fd, "%s: %s: expected a directory or a file: %s",
				   mount->named, mount->source, strerror(-fd));
	exports->volume_fds[i] = fd;
	exports->n_volumes++;
	err = volume_access_times(mount, fd);
	if (err)
		return failure_set(failure, err, "%s: %s: times of access: %s", mount->named,
				   mount->source, strerror(-err));
	err = mount->idmapped ? volume_idmap(mount, config, fd, failure) : 0;
	if (err)
		return err;
	if (fstat(fd, &st) < 0)
		return failure_set(failure, -errno, "%s: %s: %s", mount->named, mount->source,
				   strerror(errno));
	mount->target_is_file = !S_ISDIR(st.st_mode);
	exports->volume_readonly[i] = readonly == READONLY_ALL;
	/* the guest sees one file system: what may not be written there is for the host's kernel to say */
	if (readonly == READONLY_TOP)
		mount->flags &= ~(uint32_t)MS_RDONLY;
	exports->volume_targets[i] = mount->destination;
	exports->volume_is_file[i] = mount->target_is_file;
	return volume_check(mount, fd, &st, failure);
}

int exports_open(struct exports *exports, struct container_config *config, struct failure *failure)
{
	struct arena *arena = &config->arena;
	size_t room = config->mounts.n;
	int err;

	*exports = (struct exports){ .root_fd = -1 };
	exports->volume_fds = arena_take(arena, room * sizeof(*exports->volume_fds));
	exports->volume_readonly = arena_take(arena, room * sizeof(*exports->volume_readonly));
	exports->volume_targets = arena_take(arena, room * sizeof(*exports->volume_targets));
	exports->volume_is_file = arena_take(arena, room * sizeof(*exports->volume_is_file));
	err = root_open(exports, config, failure);
	if (!err && config->root_readonly)
		exports_note_new_tmpfs(exports->root_fd, config);
	for (size_t i = 0; i < config->mounts.n && !err; i++) {
		if (config->mounts.v[i].is_bind)
			err = volume_open(exports, config, &config->mounts.v[i], failure);
	}
	return err;
}

int exports_seal(const struct exports *exports, const struct container_config *config,
		 struct failure *failure)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int err;

	if (!exports->root_readonly)
		return 0;
	err = exports_make_needed(exports->root_fd, config, failure);
	if (err)
		return err;
	if (mount_setattr(exports->root_fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
			  sizeof(attr)) < 0)
		return failure_set(failure, -errno, "%s: cannot make it read-only: %s",
				   config->root_path, strerror(errno));
	return 0;
}

void exports_close(struct exports *exports)
{
	for (size_t i = 0; i < exports->n_volumes; i++)
		drop_fd(&exports->volume_fds[i]);
	exports->n_volumes = 0;
	drop_fd(&exports->root_fd);
}
