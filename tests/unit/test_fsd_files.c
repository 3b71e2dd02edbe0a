/* SPDX-License-Identifier: Apache-2.0 */
/* nacre-fsd: what each request does to the files, seen from the host. */
/* SOURCES: fsd/request.c fsd/lookup.c fsd/attr.c fsd/open.c fsd/create.c fsd/name.c fsd/dir.c */
/* SOURCES: fsd/xattr.c fsd/node.c fsd/node_fds.c fsd/node_find.c fsd/handle.c fsd/export.c fsd/sys.c */
/* SOURCES: fsd/slow.c */
#include "test_fsd_harness.h"

#include "fsd/slow.h"
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Ids of our own for files need a right that an ordinary user has not. */
#define NEEDS_ROOT()                                                                               \
	do {                                                                                       \
		if (geteuid() != 0) {                                                              \
			print_message("skipped: needs root to create as another id\n");            \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

static struct stat stat_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(at(name), &st), 0);
	return st;
}

static int create(const char *name, uint32_t flags, uint32_t mode, uint32_t mask, uint64_t *node,
		  uint64_t *fh)
{
	struct fuse_create_in in = {.flags = flags, .mode = mode, .umask = mask};
	struct fuse_entry_out e;
	struct fuse_open_out o;
	int err = request_names(FUSE_CREATE, root(), &in, sizeof(in), name, NULL);

	if (!err) {
		assert_int_equal(reply_len, sizeof(e) + sizeof(o));
		memcpy(&e, reply_body(), sizeof(e));
		memcpy(&o, (const char *)reply_body() + sizeof(e), sizeof(o));
		*node = e.nodeid;
		*fh = o.fh;
	}
	return err;
}

static void test_attributes(void **state)
{
	struct fuse_entry_out e;
	struct fuse_attr a;
	struct stat st;

	(void)state;
	put_file("f", "hello");
	assert_int_equal(link(at("f"), at("g")), 0);
	st = stat_of("f");
	assert_int_equal(lookup(root(), "f", &e), 0);
	assert_int_equal(e.attr.size, 5);
	assert_int_equal(e.attr.nlink, 2);
	assert_int_equal(e.attr.mode, st.st_mode);
	assert_int_equal(e.attr.uid, st.st_uid);
	assert_int_equal(e.attr.mtime, st.st_mtim.tv_sec);
	assert_int_equal(e.attr.mtimensec, st.st_mtim.tv_nsec);
	assert_int_equal(e.attr.blksize, st.st_blksize);
	assert_int_equal(e.attr.blocks, st.st_blocks);
	assert_true(e.entry_valid >= 3600 && e.attr_valid >= 3600);
	/* Hard links are one node. */
	assert_true(node_of(root(), "g") == e.nodeid);
	assert_int_equal(getattr(e.nodeid, &a), 0);
	assert_memory_equal(&a, &e.attr, sizeof(a));
	/* A name that is not there is not remembered: podman cp may add it. */
	assert_int_equal(lookup(root(), "nothing", &e), -ENOENT);
}

static void test_create(void **state)
{
	struct fuse_create_in in = {.flags = O_WRONLY | O_CREAT};
	uint64_t node, fh;
	struct stat st;

	(void)state;
	NEEDS_ROOT();
	assert_int_equal(
		create("f", O_WRONLY | O_CREAT | O_APPEND | O_DIRECT, 0666, 022, &node, &fh), 0);
	st = stat_of("f");
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(st.st_uid, USER);
	assert_int_equal(st.st_gid, USER + 1);
	/* The donation: with a writeback cache readable too, and never appending. */
	assert_true(donated >= 0);
	assert_int_equal(fcntl(donated, F_GETFL) & (O_ACCMODE | O_APPEND | O_DIRECT), O_RDWR);
	assert_true(fcntl(donated, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(pwrite(donated, "abc", 3, 0), 3);
	assert_int_equal(release(node, fh), 0);
	/* It is there now. */
	assert_int_equal(create("f", O_RDWR | O_CREAT | O_EXCL, 0666, 0, &node, &fh), -EEXIST);
	assert_int_equal(create("f", O_RDONLY | O_CREAT, 0666, 0, &node, &fh), 0);
	assert_int_equal(fcntl(donated, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(release(node, fh), 0);
	assert_int_equal(stat_of("f").st_size, 3);
	assert_int_equal(create("f", O_RDWR | O_CREAT | O_TRUNC, 0666, 0, &node, &fh), 0);
	assert_int_equal(stat_of("f").st_size, 0);
	assert_int_equal(release(node, fh), 0);
	/* Our own ids and mask are back. */
	assert_int_equal(umask(0), 0);
	put_file("mine", "x");
	assert_int_equal(stat_of("mine").st_uid, 0);
	/* A volume has no cache of pages that would need reading. */
	req_class = BROKER_CLASS_VOLUME;
	assert_int_equal(request_names(FUSE_CREATE, node_of(node_of(top(), "mounts"), "0"), &in,
				       sizeof(in), "v", NULL),
			 0);
	assert_int_equal(fcntl(donated, F_GETFL) & O_ACCMODE, O_WRONLY);
}

static void test_make(void **state)
{
	struct fuse_mkdir_in mkdir_in = {.mode = 02777, .umask = 027};
	struct fuse_mknod_in mknod_in = {.mode = S_IFIFO | 0666, .umask = 022};
	struct stat st;

	(void)state;
	NEEDS_ROOT();
	assert_int_equal(request_names(FUSE_MKDIR, root(), &mkdir_in, sizeof(mkdir_in), "d", NULL),
			 0);
	st = stat_of("d");
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_int_equal(st.st_uid, USER);
	assert_int_equal(st.st_gid, USER + 1);
	assert_int_equal(request_names(FUSE_MKNOD, root(), &mknod_in, sizeof(mknod_in), "p", NULL),
			 0);
	assert_int_equal(stat_of("p").st_mode, S_IFIFO | 0644);
	mknod_in.mode = S_IFSOCK | 0600;
	assert_int_equal(request_names(FUSE_MKNOD, root(), &mknod_in, sizeof(mknod_in), "s", NULL),
			 0);
	mknod_in.mode = S_IFREG | 0600;
	assert_int_equal(request_names(FUSE_MKNOD, root(), &mknod_in, sizeof(mknod_in), "r", NULL),
			 0);
	assert_int_equal(stat_of("r").st_uid, USER);
	/* A device of the host is never made; a whiteout is none. */
	mknod_in.mode = S_IFCHR | 0600;
	mknod_in.rdev = 1 << 8 | 3;
	assert_int_equal(request_names(FUSE_MKNOD, root(), &mknod_in, sizeof(mknod_in), "c", NULL),
			 -EPERM);
	mknod_in.mode = S_IFBLK | 0600;
	mknod_in.rdev = 0;
	assert_int_equal(request_names(FUSE_MKNOD, root(), &mknod_in, sizeof(mknod_in), "b", NULL),
			 -EPERM);
	mknod_in.mode = S_IFCHR;
	assert_int_equal(request_names(FUSE_MKNOD, root(), &mknod_in, sizeof(mknod_in), "w", NULL),
			 0);
	assert_int_equal(request_names(FUSE_SYMLINK, root(), "", 0, "l", "../anything/at all"), 0);
	assert_int_equal(stat_of("l").st_uid, USER);
	assert_int_equal(request(FUSE_SYMLINK, root(), "l2\0", 3), -EINVAL);
	assert_int_equal(request(FUSE_SYMLINK, root(), "l2\0x", 4), -EINVAL);
	assert_int_equal(request_names(FUSE_SYMLINK, root(), "", 0, "l2", ""), -ENOENT);
}

static void test_names(void **state)
{
	struct fuse_rename2_in in = {0};
	struct fuse_link_in link_in;
	struct fuse_entry_out e;
	uint64_t d, f;

	(void)state;
	assert_int_equal(mkdir(at("d"), 0777), 0);
	put_file("f", "one");
	put_file("g", "three");
	d = node_of(root(), "d");
	f = node_of(root(), "f");
	in.newdir = d;
	assert_int_equal(request_names(FUSE_RENAME, root(), &in.newdir, 8, "f", "f2"), 0);
	assert_int_equal(stat_of("d/f2").st_size, 3);
	assert_true(node_of(d, "f2") == f);
	in.flags = RENAME_NOREPLACE;
	assert_int_equal(request_names(FUSE_RENAME2, root(), &in, sizeof(in), "g", "f2"), -EEXIST);
	in.flags = RENAME_EXCHANGE;
	assert_int_equal(request_names(FUSE_RENAME2, root(), &in, sizeof(in), "g", "f2"), 0);
	assert_int_equal(stat_of("d/f2").st_size, 5);
	assert_true(node_of(root(), "g") == f);
	in.flags = RENAME_WHITEOUT << 1;
	assert_int_equal(request_names(FUSE_RENAME2, root(), &in, sizeof(in), "g", "h"), -EINVAL);
	in.flags = 0;
	in.newdir = f;
	assert_int_equal(request_names(FUSE_RENAME2, root(), &in, sizeof(in), "g", "h"), -ENOTDIR);
	in.newdir = d + 100;
	assert_int_equal(request_names(FUSE_RENAME2, root(), &in, sizeof(in), "g", "h"), -ESTALE);

	link_in.oldnodeid = f;
	assert_int_equal(request_names(FUSE_LINK, d, &link_in, sizeof(link_in), "linked", NULL), 0);
	memcpy(&e, reply_body(), sizeof(e));
	assert_true(e.nodeid == f);
	assert_int_equal(e.attr.nlink, 2);
	link_in.oldnodeid = d;
	assert_int_equal(request_names(FUSE_LINK, d, &link_in, sizeof(link_in), "dir", NULL),
			 -EPERM);
	assert_int_equal(request_names(FUSE_UNLINK, root(), "", 0, "d", NULL), -EISDIR);
	assert_int_equal(request_names(FUSE_RMDIR, root(), "", 0, "d", NULL), -ENOTEMPTY);
	assert_int_equal(request_names(FUSE_UNLINK, d, "", 0, "linked", NULL), 0);
	assert_int_equal(request_names(FUSE_UNLINK, d, "", 0, "f2", NULL), 0);
	assert_int_equal(request_names(FUSE_RMDIR, root(), "", 0, "d", NULL), 0);
	assert_int_equal(access(at("d"), F_OK), -1);
}

static void test_whiteout(void **state)
{
	struct fuse_rename2_in in = {.flags = RENAME_WHITEOUT};
	struct stat st;
	uint64_t f, f2;

	(void)state;
	NEEDS_ROOT();
	put_file("probe", "");
	if (sys_renameat2(AT_FDCWD, at("probe"), AT_FDCWD, at("probed"), RENAME_WHITEOUT) == -EINVAL) {
		print_message("skip: the directory of the test is on a file system without whiteouts, as overlayfs\n");
		skip();
	}
	assert_int_equal(mkdir(at("d"), 0777), 0);
	/* Whoever runs this has a umask. */
	assert_int_equal(chmod(at("d"), 0777), 0);
	put_file("d/f", "one");
	in.newdir = node_of(root(), "d");
	f = node_of(in.newdir, "f");
	assert_int_equal(request_names(FUSE_RENAME2, in.newdir, &in, sizeof(in), "f", "f2"), 0);
	assert_int_equal(stat_of("d/f2").st_size, 3);
	assert_true(node_of(in.newdir, "f2") == f);
	/* A new object at the old name, the caller's, and no device of the host. */
	st = stat_of("d/f");
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(st.st_rdev, 0);
	assert_int_equal(st.st_uid, USER);
	assert_int_equal(st.st_gid, USER + 1);
	f2 = node_of(in.newdir, "f");
	assert_true(f2 && f2 != f);
	in.flags = RENAME_WHITEOUT | RENAME_EXCHANGE;
	assert_int_equal(request_names(FUSE_RENAME2, in.newdir, &in, sizeof(in), "f", "f2"), -EINVAL);
	in.flags = RENAME_WHITEOUT | RENAME_NOREPLACE;
	assert_int_equal(request_names(FUSE_RENAME2, in.newdir, &in, sizeof(in), "f2", "f"), -EEXIST);
	assert_int_equal(request_names(FUSE_UNLINK, in.newdir, "", 0, "f", NULL), 0);
	assert_int_equal(access(at("d/f"), F_OK), -1);
}

static void test_setattr(void **state)
{
	struct fuse_setattr_in in = {0};
	struct stat st;
	uint64_t f, fh;

	(void)state;
	NEEDS_ROOT();
	put_file("f", "hello");
	f = node_of(root(), "f");
	in = (struct fuse_setattr_in){.valid = FATTR_MODE | FATTR_UID | FATTR_GID,
				      .mode = 04750,
				      .uid = PLAN_ID_BASE + 7,
				      .gid = PLAN_ID_BASE + 8};
	assert_int_equal(request(FUSE_SETATTR, f, &in, sizeof(in)), 0);
	st = stat_of("f");
	assert_int_equal(st.st_mode & 07777, 04750);
	assert_int_equal(st.st_uid, PLAN_ID_BASE + 7);
	assert_int_equal(st.st_gid, PLAN_ID_BASE + 8);
	/* A truncation by someone without CAP_FSETID takes the bit away. */
	in = (struct fuse_setattr_in){.valid = FATTR_SIZE | FATTR_KILL_SUIDGID, .size = 2};
	assert_int_equal(request(FUSE_SETATTR, f, &in, sizeof(in)), 0);
	st = stat_of("f");
	assert_int_equal(st.st_size, 2);
	assert_int_equal(st.st_mode & 07777, 0750);
	in = (struct fuse_setattr_in){.valid = FATTR_ATIME | FATTR_MTIME,
				      .atime = 11,
				      .mtime = 22,
				      .atimensec = 33,
				      .mtimensec = 44};
	assert_int_equal(request(FUSE_SETATTR, f, &in, sizeof(in)), 0);
	st = stat_of("f");
	assert_int_equal(st.st_atim.tv_sec, 11);
	assert_int_equal(st.st_mtim.tv_nsec, 44);
	in.valid = FATTR_MTIME | FATTR_MTIME_NOW;
	assert_int_equal(request(FUSE_SETATTR, f, &in, sizeof(in)), 0);
	assert_int_equal(stat_of("f").st_atim.tv_sec, 11);
	assert_true(stat_of("f").st_mtim.tv_sec > 22);
	/* UTIME_NOW and UTIME_OMIT in the nanoseconds are not for the guest to say. */
	in = (struct fuse_setattr_in){.valid = FATTR_ATIME, .atimensec = UTIME_NOW};
	assert_int_equal(request(FUSE_SETATTR, f, &in, sizeof(in)), -EINVAL);
	in = (struct fuse_setattr_in){.valid = FATTR_SIZE, .size = UINT64_MAX};
	assert_int_equal(request(FUSE_SETATTR, f, &in, sizeof(in)), -EFBIG);
	assert_int_equal(open_file(f, O_RDWR, &fh), 0);
	in = (struct fuse_setattr_in){.valid = FATTR_SIZE | FATTR_FH, .size = 77, .fh = fh};
	assert_int_equal(request(FUSE_SETATTR, f, &in, sizeof(in)), 0);
	assert_int_equal(stat_of("f").st_size, 77);
	in.fh = 99;
	assert_int_equal(request(FUSE_SETATTR, f, &in, sizeof(in)), -EBADF);
	/* A symbolic link itself. */
	assert_int_equal(symlink(at("f"), at("l")), 0);
	f = node_of(root(), "l");
	in = (struct fuse_setattr_in){.valid = FATTR_UID | FATTR_MTIME, .uid = USER, .mtime = 5};
	assert_int_equal(request(FUSE_SETATTR, f, &in, sizeof(in)), 0);
	assert_int_equal(stat_of("l").st_uid, USER);
	assert_int_equal(stat_of("l").st_mtim.tv_sec, 5);
	assert_int_equal(stat_of("f").st_uid, PLAN_ID_BASE + 7);
	in = (struct fuse_setattr_in){.valid = FATTR_MODE, .mode = 0777};
	assert_int_equal(request(FUSE_SETATTR, f, &in, sizeof(in)), -EOPNOTSUPP);
}

static void test_on_handles(void **state)
{
	struct fuse_fallocate_in fa = {.length = 8192};
	struct fuse_lseek_in ls = {.whence = SEEK_HOLE};
	struct fuse_copy_file_range_in cp = {.len = 5};
	struct fuse_flush_in fl = {0};
	uint64_t f, g, fh, gh;

	(void)state;
	put_file("f", "hello");
	put_file("g", "");
	f = node_of(root(), "f");
	g = node_of(root(), "g");
	assert_int_equal(open_file(f, O_RDONLY, &fh), 0);
	assert_int_equal(open_file(g, O_WRONLY, &gh), 0);
	fa.fh = gh;
	assert_int_equal(request(FUSE_FALLOCATE, g, &fa, sizeof(fa)), 0);
	assert_int_equal(stat_of("g").st_size, 8192);
	fa.mode = FALLOC_FL_COLLAPSE_RANGE;
	assert_int_equal(request(FUSE_FALLOCATE, g, &fa, sizeof(fa)), -EOPNOTSUPP);
	fa.mode = 0;
	fa.length = UINT64_MAX;
	assert_int_equal(request(FUSE_FALLOCATE, g, &fa, sizeof(fa)), -EFBIG);
	/* With a writeback cache only the guest knows where data is. */
	ls.fh = fh;
	assert_int_equal(request(FUSE_LSEEK, f, &ls, sizeof(ls)), -ENOSYS);
	cp.fh_in = fh;
	cp.fh_out = gh;
	cp.nodeid_out = g;
	cp.off_out = 10;
	assert_int_equal(request(FUSE_COPY_FILE_RANGE, f, &cp, sizeof(cp)), 0);
	assert_int_equal(*(const uint32_t *)reply_body(), 5);
	cp.nodeid_out = f;
	assert_int_equal(request(FUSE_COPY_FILE_RANGE, f, &cp, sizeof(cp)), -EBADF);
	cp.nodeid_out = g;
	cp.off_in = UINT64_MAX;
	assert_int_equal(request(FUSE_COPY_FILE_RANGE, f, &cp, sizeof(cp)), -EINVAL);
	fl.fh = fh;
	/* A local root file system needs none: "do not ask again". */
	assert_int_equal(request(FUSE_FLUSH, f, &fl, sizeof(fl)), -ENOSYS);
	fl.fh = 1000;
	assert_int_equal(request(FUSE_FLUSH, f, &fl, sizeof(fl)), -EBADF);
}

static void test_sync_and_statfs(void **state)
{
	struct fuse_syncfs_in in = {0};

	(void)state;
	req_uid = 0; /* nacre-init */
	assert_int_equal(request(FUSE_SYNCFS, top(), &in, sizeof(in)), 0);
	req_uid = USER;
	assert_int_equal(request(FUSE_SYNCFS, top(), &in, sizeof(in)), 0);
	assert_int_equal(request(FUSE_STATFS, root(), NULL, 0), 0);
	assert_true(((const struct fuse_statfs_out *)reply_body())->st.blocks > 0);
	assert_int_equal(request(FUSE_STATFS, top(), NULL, 0), 0);
}

static int get_xattr(uint64_t node, const char *name, uint32_t size)
{
	struct fuse_getxattr_in in = {.size = size};

	return request_names(FUSE_GETXATTR, node, &in, sizeof(in), name, NULL);
}

static void test_xattrs(void **state)
{
	static const char *const refused[] = {
		"trusted.overlay.opaque", "security.selinux", "user.",  "security.ima",
		"system.nfs4_acl",        "security.evm",     "User.x", "nodot"};
	struct {
		struct fuse_setxattr_in in;
		char text[12];
	} set = {.in.size = 5, .text = "user.a\0value"};
	struct fuse_getxattr_in list = {.size = 1000};
	uint64_t f;

	(void)state;
	put_file("f", "x");
	f = node_of(root(), "f");
	if (setxattr(at("f"), "user.t", "v", 1, 0) < 0)
		skip();
	assert_int_equal(request(FUSE_SETXATTR, f, &set, sizeof(set)), 0);
	assert_int_equal(get_xattr(f, "user.a", 0), 0);
	assert_int_equal(*(const uint32_t *)reply_body(), 5);
	assert_int_equal(get_xattr(f, "user.a", 4), -ERANGE);
	assert_int_equal(get_xattr(f, "user.a", 5), 0);
	assert_memory_equal(reply_body(), "value", 5);
	assert_int_equal(get_xattr(f, "user.b", 5), -ENODATA);
	set.in.size = 6;
	assert_int_equal(request(FUSE_SETXATTR, f, &set, sizeof(set)), -EINVAL);
	set.in.size = 4;
	assert_int_equal(request(FUSE_SETXATTR, f, &set, sizeof(set)), -EINVAL);
	set.in.size = UINT32_MAX;
	assert_int_equal(request(FUSE_SETXATTR, f, &set, sizeof(set)), -EINVAL);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(get_xattr(f, refused[i], 100), -EOPNOTSUPP);
		assert_int_equal(request_names(FUSE_REMOVEXATTR, f, "", 0, refused[i], NULL),
				 -EOPNOTSUPP);
	}
	if (geteuid() == 0) {
		assert_int_equal(setxattr(at("f"), "trusted.t", "v", 1, 0), 0);
		assert_int_equal(request(FUSE_LISTXATTR, f, &list, sizeof(list)), 0);
		assert_null(memmem(reply_body(), reply_len, "trusted", 7));
		assert_non_null(memmem(reply_body(), reply_len, "user.a", 7));
		assert_int_equal(reply_len, 14);
	}
	assert_int_equal(request_names(FUSE_REMOVEXATTR, f, "", 0, "user.a", NULL), 0);
	assert_int_equal(getxattr(at("f"), "user.a", NULL, 0), -1);
	assert_int_equal(get_xattr(top(), "user.a", 4), -EOPNOTSUPP);
	/* The guest's kernel takes anything but "no such attribute" as a failed permission check.
	 */
	assert_int_equal(get_xattr(top(), "system.posix_acl_access", 4096), -ENODATA);
	assert_int_equal(get_xattr(f, "system.posix_acl_access", 4096), -ENODATA);
}

static int start_read_only(void **state)
{
	(void)state;
	umask(0);
	start_bounded(1000, 1000, true);
	return 0;
}

static void test_read_only(void **state)
{
	struct fuse_create_in create_in = {.flags = O_RDONLY | O_CREAT, .mode = 0644};
	struct fuse_setattr_in set = {.valid = FATTR_MTIME};
	struct fuse_mkdir_in mkdir_in = {.mode = 0755};
	struct fuse_rename_in rename_in = {.newdir = root()};
	struct fuse_link_in link_in;
	uint64_t f, fh;

	(void)state;
	put_file("f", "x");
	f = node_of(root(), "f");
	link_in.oldnodeid = f;
	assert_int_equal(open_file(f, O_RDWR, &fh), -EROFS);
	assert_int_equal(open_file(f, O_WRONLY, &fh), -EROFS);
	assert_int_equal(open_file(f, O_RDONLY | O_TRUNC, &fh), -EROFS);
	assert_int_equal(open_file(f, O_ACCMODE, &fh), -EINVAL);
	assert_int_equal(open_file(f, O_RDONLY, &fh), 0);
	assert_int_equal(
		request_names(FUSE_CREATE, root(), &create_in, sizeof(create_in), "f", NULL),
		-EROFS);
	assert_int_equal(
		request_names(FUSE_TMPFILE, root(), &create_in, sizeof(create_in), "f", NULL),
		-EROFS);
	assert_int_equal(request_names(FUSE_MKDIR, root(), &mkdir_in, sizeof(mkdir_in), "d", NULL),
			 -EROFS);
	assert_int_equal(request_names(FUSE_UNLINK, root(), "", 0, "f", NULL), -EROFS);
	assert_int_equal(request_names(FUSE_SYMLINK, root(), "", 0, "l", "t"), -EROFS);
	assert_int_equal(request_names(FUSE_RENAME, root(), &rename_in, 8, "f", "g"), -EROFS);
	assert_int_equal(request_names(FUSE_LINK, root(), &link_in, 8, "g", NULL), -EROFS);
	assert_int_equal(request(FUSE_SETATTR, f, &set, sizeof(set)), -EROFS);
	assert_int_equal(request_names(FUSE_REMOVEXATTR, f, "", 0, "user.a", NULL), -EROFS);
	assert_int_equal(stat_of("f").st_size, 1);
}

static void test_tmpfile(void **state)
{
	struct fuse_create_in in = {.flags = O_RDWR, .mode = 0600};
	struct fuse_link_in link_in;
	struct fuse_entry_out e;
	struct fuse_open_out o;
	struct fuse_attr a;
	int err;

	(void)state;
	NEEDS_ROOT();
	err = request_names(FUSE_TMPFILE, root(), &in, sizeof(in), "#tmp", NULL);
	if (err == -EOPNOTSUPP)
		skip();
	assert_int_equal(err, 0);
	memcpy(&e, reply_body(), sizeof(e));
	memcpy(&o, (const char *)reply_body() + sizeof(e), sizeof(o));
	assert_int_equal(e.attr.nlink, 0);
	assert_int_equal(e.attr.uid, USER);
	assert_int_equal(pwrite(donated, "abc", 3, 0), 3);
	assert_int_equal(getattr(e.nodeid, &a), 0);
	assert_int_equal(a.size, 3);
	/* It gets a name later. */
	link_in.oldnodeid = e.nodeid;
	assert_int_equal(request_names(FUSE_LINK, root(), &link_in, sizeof(link_in), "named", NULL),
			 0);
	assert_int_equal(stat_of("named").st_size, 3);
	assert_int_equal(release(e.nodeid, o.fh), 0);
}

static void test_volumes(void **state)
{
	struct fuse_lseek_in seek = {.whence = SEEK_HOLE};
	struct fuse_mkdir_in mkdir_in = {.mode = 0755};
	struct fuse_rename_in in;
	struct fuse_entry_out e;
	struct fuse_attr a;
	uint64_t mounts, fh;
	int fd;

	(void)state;
	/* A file as volume 1. */
	put_file("single", "text");
	fd = open(at("single"), O_PATH | O_CLOEXEC);
	assert_int_equal(export_add(&fsd.exports, fd, true), 2);
	assert_int_equal(node_add_export(&fsd.nodes, 2), 0);
	/* A session of the root does not see the volumes, nor the other way round. */
	assert_int_equal(lookup(top(), "mounts", &e), -ENOENT);
	req_class = BROKER_CLASS_VOLUME;
	assert_int_equal(lookup(top(), "root", &e), -ENOENT);
	assert_int_equal(lookup(top(), "mounts", &e), 0);
	assert_true(e.entry_valid <= 1 && e.attr_valid <= 1);
	assert_int_equal(e.attr.mode, S_IFDIR | 0555);
	assert_int_equal(e.attr.uid, PLAN_ID_BASE);
	mounts = e.nodeid;
	assert_int_equal(lookup(mounts, "00", &e), -ENOENT);
	assert_int_equal(lookup(mounts, "2", &e), -ENOENT);
	assert_int_equal(lookup(mounts, "-1", &e), -ENOENT);
	assert_int_equal(lookup(mounts, "99999999999999999999", &e), -ENOENT);
	assert_int_equal(lookup(mounts, "1", &e), 0);
	assert_true(S_ISREG(e.attr.mode));
	assert_int_equal(open_file(e.nodeid, O_RDONLY, &fh), 0);
	seek.fh = fh;
	assert_int_equal(request(FUSE_LSEEK, e.nodeid, &seek, sizeof(seek)), 0);
	assert_int_equal(*(const uint64_t *)reply_body(), 4);
	seek.whence = SEEK_SET;
	assert_int_equal(request(FUSE_LSEEK, e.nodeid, &seek, sizeof(seek)), -EINVAL);
	assert_int_equal(release(e.nodeid, fh), 0);
	assert_int_equal(open_file(e.nodeid, O_RDWR, &fh), -EROFS);
	/* The synthetic directories cannot be changed. */
	assert_int_equal(request_names(FUSE_MKDIR, mounts, &mkdir_in, sizeof(mkdir_in), "x", NULL),
			 -EROFS);
	assert_int_equal(request_names(FUSE_RMDIR, mounts, "", 0, "0", NULL), -EROFS);
	assert_int_equal(getattr(mounts, &a), 0);
	/* One volume is another file system than the next. */
	in.newdir = mounts;
	assert_int_equal(lookup(mounts, "0", &e), 0);
	assert_int_equal(request_names(FUSE_RENAME, e.nodeid, &in, sizeof(in), "a", "b"), -EXDEV);
}

static int confine_nothing(void)
{
	return 0;
}

/*
 * close() of a file on NFS may take as long as its server does: the thread that reads requests has
 * others to serve. The last test: the threads stay.
 */
static void test_flush_is_not_waited_for(void **state)
{
	struct {
		struct broker_header broker;
		struct fuse_out_header hdr;
	} answer;
	struct fuse_flush_in in = {0};
	uint64_t node;
	int pair[2];

	(void)state;
	req_class = BROKER_CLASS_VOLUME;
	put_file("single", "text");
	assert_int_equal(export_add(&fsd.exports, open(at("single"), O_PATH | O_CLOEXEC), true), 2);
	assert_int_equal(node_add_export(&fsd.nodes, 2), 0);
	node = node_of(node_of(top(), "mounts"), "1");
	assert_int_equal(open_file(node, O_RDONLY, &in.fh), 0);
	assert_int_equal(request(FUSE_FLUSH, node, &in, sizeof(in)), 0); /* no threads yet */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(slow_start(&fsd, pair[1], confine_nothing), 0);
	assert_int_equal(request(FUSE_FLUSH, node, &in, sizeof(in)), 1); /* no answer from here */
	assert_int_equal(release(node, in.fh), 0);
	assert_int_equal(recv(pair[0], &answer, sizeof(answer), 0), sizeof(answer));
	assert_int_equal(answer.hdr.error, 0);
	assert_true(answer.hdr.unique == req_unique - 1);
	assert_int_equal(request(FUSE_FLUSH, node, &in, sizeof(in)), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FSD_TEST(test_attributes),
		FSD_TEST(test_create),
		FSD_TEST(test_make),
		FSD_TEST(test_names),
		FSD_TEST(test_whiteout),
		FSD_TEST(test_setattr),
		FSD_TEST(test_on_handles),
		FSD_TEST(test_sync_and_statfs),
		FSD_TEST(test_xattrs),
		cmocka_unit_test_setup_teardown(test_read_only, start_read_only, stop),
		FSD_TEST(test_tmpfile),
		FSD_TEST(test_volumes),
		FSD_TEST(test_flush_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
