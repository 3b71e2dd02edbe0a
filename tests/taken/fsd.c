/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A taken-over nacre-fsd: its own stages, on a tree like a container's, with a read-only volume. It
 * may use every call of its policy as it likes; it must not get at what lies outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fsd/filter.h"
#include "fsd/node.h"
#include "fsd/stages.h"
#include "plan.h"
#include "taken.h"

static struct args args;
static struct export_table exports;
static int user_ns, proc_fd, proc_self_fd;
static int ro_file_fd; /* O_PATH of a file of the read-only volume */
static int outside_fd; /* O_PATH of the directory outside: as if a resolve trick had given it */
static const char tree[] = "/tmp/tree", volume[] = "/tmp/volume";

static void check(bool fine, const char *what)
{
	if (fine)
		return;
	fprintf(stderr, "taken-over fsd: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	check(fd >= 0 && fchmod(fd, 0666) == 0 && write(fd, "x", 1) == 1, path);
	close(fd);
}

/* Once, in the namespaces of the test: taken_run() has made them by the first trick. */
static void make_trees(void)
{
	if (access(tree, F_OK) == 0)
		return;
	check(mkdir(tree, 0777) == 0 && mkdir(volume, 0777) == 0, "directories");
	check(mkdir("/tmp/tree/dir", 0777) == 0 && chmod("/tmp/tree/dir", 0777) == 0, "directory");
	check(symlink("/tmp", "/tmp/tree/away") == 0 && symlink("../../..", "/tmp/tree/dir/up") == 0,
	      "links");
	make_file("/tmp/tree/file");
	/* what an image may bring along, and everybody may open */
	check(mknod("/tmp/tree/null", S_IFCHR | 0666, makedev(1, 3)) == 0 &&
	      chmod("/tmp/tree/null", 0666) == 0, "device node");
	make_file("/tmp/volume/file");
	/* its own by uid, and nowhere near what it was given */
	make_file("/tmp/left_behind");
	check(chown("/tmp/left_behind", TAKEN_UID, TAKEN_UID) == 0, "owner");
}

/* /tmp as a mount of its own, with the attributes that runtime/exports.c gives the container's. */
static int clone_tmp(void)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/tmp", OPEN_TREE_CLONE | O_CLOEXEC);

	check(fd >= 0 && syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0,
	      "clone of a mount");
	return fd;
}

static void confine(const struct world *w, int kind, bool with_filter)
{
	int keep[8], n = 0;

	(void)kind;
	make_trees();
	args = (struct args){ .socket_fd = w->socket_fd, .user_ns_fd = user_ns, .mount_ns_fd = -1,
			      .confined_fd = -1, .n_exports = 2 };
	outside_fd = clone_tmp();
	args.export[0].fd = openat(outside_fd, "tree", O_PATH | O_DIRECTORY | O_CLOEXEC);
	args.export[1] = (struct export){ .fd = openat(outside_fd, "volume",
						       O_PATH | O_DIRECTORY | O_CLOEXEC),
					  .read_only = true };
	ro_file_fd = openat(outside_fd, "volume/file", O_PATH | O_CLOEXEC);
	check(!stage_open_proc(&exports, &proc_fd, &proc_self_fd), "procfs");
	check(!stage_enter_mounts(&exports, -1, proc_self_fd, proc_fd), "working directory");
	check(!stage_enter_user(user_ns), "user namespace");
	check(!stage_drop_capabilities(), "capabilities");
	check(!stage_set_limits(&(uint32_t){ 0 }), "limits");
	keep[n++] = STDERR_FILENO;
	keep[n++] = w->socket_fd;
	keep[n++] = w->file_fd;
	keep[n++] = proc_fd;
	keep[n++] = ro_file_fd;
	keep[n++] = outside_fd;
	keep[n++] = args.export[0].fd;
	keep[n++] = args.export[1].fd;
	check(!stage_close_others(keep, (size_t)n), "descriptors");
	check(!stage_restrict_files(&args), "Landlock");
	if (with_filter)
		check(!filter_apply(), "seccomp");
}

/* From each directory that it has, by what Landlock has no say in; of clone_tmp()'s no "tmp" lies above. */
static bool changes_mode_above(void)
{
	const int fds[] = { proc_fd, AT_FDCWD, args.export[0].fd };
	char path[64] = "tmp/left_behind";

	for (int up = 0; up < 8; up++) {
		char longer[sizeof(path)];

		for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
			if (fchmodat(fds[i], path, 04777, 0) == 0)
				return true;
		}
		snprintf(longer, sizeof(longer), "../%.50s", path);
		memcpy(path, longer, sizeof(path));
	}
	return false;
}

static int root(void)
{
	return args.export[0].fd;
}

/* Opens for real what an O_PATH descriptor names. */
static bool reopens(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "%d", fd);
	return open(path, flags | O_CLOEXEC) >= 0;
}

static bool works_in_its_tree(void)
{
	int fd = openat(root(), "file", O_RDWR | O_CLOEXEC);

	return fd >= 0 && renameat(root(), "file", root(), "dir/file") == 0 &&
	       renameat(root(), "dir/file", root(), "file") == 0;
}

/* Without this the refusals below would say nothing. */
static bool is_useless(const struct world *w)
{
	(void)w;
	return !works_in_its_tree();
}

#define TRY(function, expression)                                                                  \
	static bool function(const struct world *w)                                                \
	{                                                                                          \
		(void)w;                                                                           \
		return (expression);                                                               \
	}

TRY(dotdot, openat(root(), "..", O_RDONLY) >= 0)
TRY(dotdot_secret, openat(root(), "../volume/file", O_WRONLY) >= 0)
TRY(absolute, openat(root(), "/tmp/volume/file", O_WRONLY) >= 0)
TRY(link_away, openat(root(), "away/volume/file", O_WRONLY) >= 0)
TRY(link_up, openat(root(), "dir/up/etc/passwd", O_RDONLY) >= 0)
TRY(outside_reopened, reopens(outside_fd, O_RDONLY))
TRY(outside_made, openat(outside_fd, "made", O_WRONLY | O_CREAT, 0666) >= 0)
TRY(outside_dir, mkdirat(outside_fd, "made", 0777) == 0)
TRY(outside_unlinked, unlinkat(outside_fd, "volume/file", 0) == 0)
TRY(outside_link, symlinkat("x", outside_fd, "made") == 0)
TRY(outside_fifo, mknodat(outside_fd, "made", S_IFIFO | 0666, 0) == 0)
TRY(hard_link_in, linkat(outside_fd, "volume/file", root(), "stolen", 0) == 0)
TRY(hard_link_out, linkat(root(), "file", outside_fd, "left", 0) == 0)
TRY(rename_out, renameat(root(), "file", outside_fd, "left") == 0)
TRY(rename_in, renameat(outside_fd, "volume/file", root(), "stolen") == 0)
TRY(exchange, syscall(SYS_renameat2, root(), "file", outside_fd, "volume/file", 2U) == 0)
TRY(read_only_reopened, reopens(ro_file_fd, O_WRONLY))
TRY(read_only_opened, openat(args.export[1].fd, "file", O_RDWR) >= 0)
TRY(read_only_made, openat(args.export[1].fd, "made", O_WRONLY | O_CREAT, 0666) >= 0)
TRY(read_only_removed, unlinkat(args.export[1].fd, "file", 0) == 0)
TRY(read_only_moved, renameat(args.export[1].fd, "file", root(), "stolen") == 0)
TRY(disk, mknodat(root(), "disk", S_IFBLK | 0666, 0x800) == 0)
TRY(device, mknodat(root(), "mem", S_IFCHR | 0666, 0x101) == 0)
TRY(device_opened, openat(root(), "null", O_RDWR | O_CLOEXEC) >= 0)
TRY(others_proc, openat(proc_fd, "../../1/maps", O_RDONLY) >= 0)
TRY(own_mem, openat(proc_fd, "../mem", O_RDWR) >= 0)
TRY(own_fds, openat(proc_fd, ".", O_RDONLY) >= 0)
TRY(mode_above, changes_mode_above())
TRY(kernel_seen, fstatat(proc_fd, "../../sys/kernel/core_pattern", &(struct stat){ .st_mode = 0 }, 0) == 0)
TRY(others_seen, fstatat(proc_fd, "../../1/status", &(struct stat){ .st_mode = 0 }, 0) == 0)
TRY(by_openat2, syscall(SYS_openat2, root(), "../volume/file",
			&(struct open_how){ .flags = O_WRONLY }, sizeof(struct open_how)) >= 0)

/* Another process moves a directory to and fro while a path through it is opened. */
static bool rename_race(const struct world *w)
{
	(void)w;
	for (int i = 0; i < 2000; i++) {
		int fd;

		renameat(root(), "dir", root(), "moved");
		fd = openat(root(), "moved/../../volume/file", O_WRONLY | O_CLOEXEC);
		renameat(root(), "moved", root(), "dir");
		if (fd >= 0)
			return true;
	}
	return false;
}

static const struct trick tricks[] = {
	{ "nothing works at all", is_useless, false },
	{ "leave by ..", dotdot, false },
	{ "write outside by ..", dotdot_secret, false },
	{ "write outside by an absolute path", absolute, false },
	{ "write outside by a link", link_away, false },
	{ "leave by a link of ..", link_up, false },
	{ "leave by openat2 without its limits", by_openat2, false },
	{ "open a directory outside for real", outside_reopened, false },
	{ "make a file outside", outside_made, false },
	{ "make a directory outside", outside_dir, false },
	{ "remove a file outside", outside_unlinked, false },
	{ "make a link outside", outside_link, false },
	{ "make a FIFO outside", outside_fifo, false },
	{ "link a file from outside", hard_link_in, false },
	{ "link a file to outside", hard_link_out, false },
	{ "rename to outside", rename_out, false },
	{ "rename from outside", rename_in, false },
	{ "exchange with outside", exchange, false },
	{ "write a read-only file by its descriptor", read_only_reopened, false },
	{ "write a read-only file by its name", read_only_opened, false },
	{ "make a file in a read-only volume", read_only_made, false },
	{ "remove a file of a read-only volume", read_only_removed, false },
	{ "move a file out of a read-only volume", read_only_moved, false },
	{ "make a disk's node in the tree", disk, false },
	{ "make a memory node in the tree", device, false },
	{ "open a device node that an image brought", device_opened, false },
	{ "read another process", others_proc, false },
	{ "write its own memory file", own_mem, false },
	{ "list its descriptors", own_fds, false },
	{ "make a file of the host set-id by way of procfs", mode_above, false },
	{ "find the host kernel's parameters", kernel_seen, false },
	{ "find another process", others_seen, false },
	{ "leave in a race of renames", rename_race, false },
};

int main(void)
{
	static const struct kind kinds[] = { { "all threads", confine, true } };
	char map[48];

	snprintf(map, sizeof(map), "%u %u 65536\n", PLAN_ID_BASE, TAKEN_UID);
	user_ns = taken_user_ns(map, map);
	return taken_run("fsd", kinds, 1, tricks, sizeof(tricks) / sizeof(tricks[0]), 0);
}
