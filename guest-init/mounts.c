/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's mounts; see mounts.h. The order is runc's, which images and engines rely on.
 *
 * A target is found once, by rootpath, and mounted on through its descriptor: move_mount(2) for
 * binds, for mount(2) its entry in /proc/self/fd of init's procfs, which is still visible at "/".
 */
#include "mounts.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "copy_up.h"
#include "kernel.h"
#include "machine.h"
#include "rootpath.h"
#include "setup.h"

struct fd_path {
	char s[32];
};

static struct fd_path fd_path(int fd)
{
	struct fd_path p;

	snprintf(p.s, sizeof(p.s), "/proc/self/fd/%d", fd);
	return p;
}

/*
 * A mount flag of mount(2) and the attribute of mount_setattr(2) that says the same of one mount.
 */
static const struct {
	uint32_t flag;
	uint64_t attr;
} attributes[] = {
	{ MS_RDONLY, MOUNT_ATTR_RDONLY },         { MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ MS_NODEV, MOUNT_ATTR_NODEV },           { MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME }, { MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
};

static int set_attr(int fd, uint64_t attr)
{
	struct mount_attr a = { .attr_set = attr };

	return attr ? kernel_mount_setattr(fd, 0, &a) : 0;
}

/*
 * Gives a detached bind the flags of the plan. Flags of the mount it comes from stay, the kernel
 * has locked them; a policy for access times that contradicts a locked one is passed over, as by
 * runc.
 */
static int set_bind_flags(int fd, uint32_t flags)
{
	struct mount_attr atime = { .attr_clr = MOUNT_ATTR__ATIME };
	uint64_t attr = 0;
	int r;

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		if (flags & attributes[i].flag)
			attr |= attributes[i].attr;
	}
	r = set_attr(fd, attr);
	if (r < 0 || !(flags & (MS_NOATIME | MS_STRICTATIME)))
		return r;
	atime.attr_set = flags & MS_NOATIME ? MOUNT_ATTR_NOATIME : MOUNT_ATTR_STRICTATIME;
	r = kernel_mount_setattr(fd, 0, &atime);
	return r == -EPERM ? 0 : r;
}

int mounts_bind(int dir, const char *source, int target)
{
	int tree, r;

	tree = kernel_open_tree(dir, source,
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
					(source[0] ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH));
	if (tree < 0)
		return tree;
	r = kernel_move_mount(tree, target);
	close(tree);
	return r;
}

int mounts_root(uint32_t number)
{
	char path[64];
	int tree, pivot, r;

	/* Nothing that happens here may be seen by init or by another container. */
	r = kernel_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (r < 0)
		setup_fail(-r, "mount namespace");
	snprintf(path, sizeof(path), "%s/%u/root", MACHINE_ROOTS, number);
	tree = kernel_open_tree(AT_FDCWD, path,
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (tree < 0)
		setup_fail(-tree, "root file system");
	pivot = open(MACHINE_PIVOT, O_PATH | O_CLOEXEC);
	r = pivot < 0 ? -errno : kernel_move_mount(tree, pivot);
	if (r < 0)
		setup_fail(-r, "root file system: mount");
	close(pivot);
	return tree;
}

/* Propagation and flags of what is mounted at `target` by now. */
static int again_at(int root, const char *target)
{
	int fd = rootpath_open(root, target);

	if (fd < 0)
		setup_fail(-fd, "mount at %s", target);
	return fd;
}

static void set_propagation(int root, const char *target, uint32_t propagation)
{
	int fd, r;

	if (propagation == 0)
		return;
	fd = again_at(root, target);
	r = kernel_mount(NULL, fd_path(fd).s, NULL, propagation, NULL);
	if (r < 0)
		setup_fail(-r, "propagation of %s", target);
	close(fd);
}

/*
 * Options for a new file system. tmpfs gets the mode of the directory that it covers, unless the
 * plan says another: the last one counts. The one type "cgroup" in config.json means the one
 * hierarchy.
 */
static const char *options_of(const struct plan_mount_view *v, const char *type, int target,
			      bool existed, char *buf, size_t size)
{
	struct stat st;

	if (strcmp(type, "tmpfs") == 0 && existed && fstat(target, &st) == 0) {
		int n = snprintf(buf, size, "mode=%04o%s%s", (unsigned int)st.st_mode & 07777,
				 v->data[0] ? "," : "", v->data);

		if (n < 0 || (size_t)n >= size)
			setup_fail(ENAMETOOLONG, "mount at %s: options", v->target);
		return buf;
	}
	if (strcmp(v->type, "cgroup") == 0 || v->data[0] == 0)
		return NULL;
	return v->data;
}

/* A namespace that is shared with init may not be mounted anew: runc binds what init sees. */
static int bind_of_init(const char *type, int target)
{
	const char *path = strcmp(type, "sysfs") == 0     ? "/sys"
			   : strcmp(type, "cgroup2") == 0 ? "/sys/fs/cgroup"
							  : NULL;

	if (!path)
		return -EPERM;
	return kernel_mount(path, fd_path(target).s, NULL, MS_BIND | MS_REC, NULL);
}

/* The mount option "tmpcopyup": `target` is what the tmpfs covers. */
static void fill(int root, int target, const struct plan_mount_view *v)
{
	int fd = again_at(root, v->target), r;
	int to = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	r = to < 0 ? -errno : copy_up(target, to);
	if (r < 0)
		setup_fail(-r, "mount at %s: tmpcopyup", v->target);
	close(to);
	close(fd);
}

static void mount_fs(int target, const struct plan_mount_view *v, bool existed)
{
	const char *type = strcmp(v->type, "cgroup") == 0 ? "cgroup2" : v->type;
	unsigned long flags = le32_get(v->m->flags) & ~(uint32_t)MS_REC;
	char buf[4096];
	const char *data = options_of(v, type, target, existed, buf, sizeof(buf));
	int r;

	/* Things are made on a tmpfs before it is closed: mounts_restrict(). */
	if (strcmp(type, "tmpfs") == 0)
		flags &= ~(unsigned long)MS_RDONLY;
	r = kernel_mount(v->source, fd_path(target).s, type, flags, data);
	if (r == -EPERM)
		r = bind_of_init(type, target);
	if (r < 0)
		setup_fail(-r, "mount %s at %s", v->type, v->target);
}

static void mount_export(int target, const struct plan_mount_view *v, uint32_t number)
{
	uint32_t index = le32_get(v->m->index);
	char path[80];
	int tree, r;

	snprintf(path, sizeof(path), "%s/%u/mounts/%u", MACHINE_VOLUMES, number, index);
	tree = kernel_open_tree(AT_FDCWD, path,
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (tree < 0)
		setup_fail(-tree, "volume %u for %s", index, v->target);
	r = set_bind_flags(tree, le32_get(v->m->flags));
	if (r == 0)
		r = kernel_move_mount(tree, target);
	if (r < 0)
		setup_fail(-r, "mount volume %u at %s", index, v->target);
	close(tree);
}

void mounts_make(int root, const struct plan *p, uint32_t number)
{
	struct plan_mount_view v;
	size_t pos = 0;

	while (plan_next_mount(p, &pos, &v)) {
		bool existed;
		int target =
			rootpath_make(root, v.target, le32_get(v.m->target_is_file) != 0, &existed);

		if (target < 0)
			setup_fail(-target, "mount target %s", v.target);
		if (le32_get(v.m->kind) == PLAN_MOUNT_FS)
			mount_fs(target, &v, existed);
		else
			mount_export(target, &v, number);
		if (le32_get(v.m->copy_up) && existed)
			fill(root, target, &v);
		close(target);
		set_propagation(root, v.target, le32_get(v.m->propagation));
	}
}

/* tmpfs that the plan wants read-only, now that devices and mount points on them exist. */
static void close_tmpfs(int root, const struct plan *p)
{
	struct plan_mount_view v;
	size_t pos = 0;

	while (plan_next_mount(p, &pos, &v)) {
		int fd, r;

		if (strcmp(v.type, "tmpfs") != 0 || le32_get(v.m->kind) != PLAN_MOUNT_FS ||
		    !(le32_get(v.m->flags) & MS_RDONLY))
			continue;
		fd = again_at(root, v.target);
		r = set_attr(fd, MOUNT_ATTR_RDONLY);
		if (r < 0)
			setup_fail(-r, "mount at %s: read-only", v.target);
		close(fd);
	}
}

/*
 * Binds `path` on itself and makes the bind read-only. What it says stays true below other mounts.
 */
static void make_readonly(int root, const char *path)
{
	int fd = rootpath_open(root, path), tree, r;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return;
	if (fd < 0)
		setup_fail(-fd, "read-only path %s", path);
	tree = kernel_open_tree(fd, "",
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
					(unsigned int)AT_RECURSIVE);
	r = tree < 0 ? tree : set_attr(tree, MOUNT_ATTR_RDONLY);
	if (r == 0)
		r = kernel_move_mount(tree, fd);
	if (r < 0)
		setup_fail(-r, "read-only path %s", path);
	close(tree);
	close(fd);
}

/* Covers a file with /dev/null and a directory with an empty read-only tmpfs. */
static void mask(int root, const char *path)
{
	int fd = rootpath_open(root, path), r;
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return;
	if (fd < 0 || fstat(fd, &st) < 0)
		setup_fail(fd < 0 ? -fd : errno, "masked path %s", path);
	if (S_ISDIR(st.st_mode))
		r = kernel_mount("tmpfs", fd_path(fd).s, "tmpfs",
				 MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
				 "nr_inodes=2,mode=0755");
	else
		r = mounts_bind(AT_FDCWD, "/dev/null", fd);
	if (r < 0)
		setup_fail(-r, "masked path %s", path);
	close(fd);
}

void mounts_restrict(int root, const struct plan *p)
{
	const char *path;
	size_t pos = 0;
	int r;

	close_tmpfs(root, p);
	while ((path = plan_next_string(p, &pos, PLAN_READONLY)))
		make_readonly(root, path);
	pos = 0;
	while ((path = plan_next_string(p, &pos, PLAN_MASKED)))
		mask(root, path);
	r = le32_get(p->root->flags) & PLAN_ROOT_READONLY ? set_attr(root, MOUNT_ATTR_RDONLY) : 0;
	if (r < 0)
		setup_fail(-r, "root file system: read-only");
}

void mounts_pivot(int root, const struct plan *p)
{
	uint32_t propagation = le32_get(p->root->propagation);
	int r;

	/*
	 * pivot_root(2) "pivot_root(".", ".")": the old root ends on top of the new one at the same
	 * place and is taken off from there; no directory of the image is needed for it.
	 */
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    syscall(SYS_umount2, ".", 2 /* MNT_DETACH */) < 0 || chdir("/") < 0)
		setup_fail(errno, "pivot_root");
	if (propagation == 0)
		return;
	r = kernel_mount(NULL, "/", NULL, propagation, NULL);
	if (r < 0)
		setup_fail(-r, "propagation of the root");
}
