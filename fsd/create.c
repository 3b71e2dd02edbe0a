/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New objects: CREATE, TMPFILE, MKNOD, MKDIR, SYMLINK. See request.h.
 *
 * They are made under the file system ids of the caller in the guest, so that owner, inheritance of
 * the group and quotas are the kernel's work, and under the caller's umask, which FUSE_DONT_MASK
 * leaves to us: so the kernel leaves it out where the directory has a default ACL. umask is the
 * process's, not the thread's; the threads of slow.c create nothing.
 *
 * Nothing is opened that was there before: files are made with O_EXCL, and where the guest did not
 * ask for that, a file that is already there goes the way of LOOKUP and OPEN with all its checks.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "request.h"

struct identity {
	struct sys_identity ids;
	mode_t mask;
};

/* The caller's ids and umask from now on. 0 or -EPERM. */
static int assume_identity(const struct request *r, uint32_t mask, struct identity *old)
{
	int err;

	sys_identity_get(&old->ids);
	err = sys_become(r->hdr.uid, r->hdr.gid);
	if (!err)
		old->mask = umask((mode_t)(mask & 0777));
	return err;
}

static void resume_identity(const struct identity *old)
{
	umask(old->mask);
	/* Going back to ids that were there cannot fail. */
	(void)sys_become(old->ids.uid, old->ids.gid);
}

/* The name behind the fixed part, and the directory's descriptor. */
static int name_and_dir(struct fsd *f, struct request *r, const char **name, int *dir)
{
	int err = request_name(r, name);

	if (!err)
		err = request_end(r);
	if (err)
		return err;
	*dir = node_fd(&f->nodes, r->node);
	return *dir < 0 ? *dir : 0;
}

/* Makes the open file `fd` a node and a handle of it. Takes fd. */
static int enter_open_file(struct fsd *f, struct request *r, const char *name, int fd,
			   struct fuse_entry_out *entry, struct fuse_open_out *out)
{
	struct proc_name pname = proc_name_of(fd);
	struct statx st;
	uint32_t i;
	int path_fd, err;

	/* Not by name: the node is this file even if someone has exchanged it since. */
	path_fd = openat(f->proc_fd, pname.text, O_PATH | O_CLOEXEC);
	err = path_fd < 0 ? -errno : sys_stat_fd(path_fd, &st);
	if (err) {
		if (path_fd >= 0)
			close(path_fd);
		close(fd);
		return err;
	}
	err = node_enter(&f->nodes, r->node, name, path_fd, &st, &i);
	if (err) {
		close(fd);
		return err;
	}
	open_donate(f, r, fd, i, out);
	entry_fill(f, r, i, &st, entry);
	return 0;
}

/* The file is there already, and the guest did not insist on a new one. */
static int open_existing(struct fsd *f, struct request *r, const char *name,
			 const struct fuse_create_in *in, struct fuse_entry_out *entry,
			 struct fuse_open_out *out)
{
	int err = lookup_entry(f, r, r->node, name, entry);
	uint32_t i;

	if (err)
		return err;
	i = (uint32_t)(entry->nodeid & BROKER_NODE_MASK);
	err = open_node(f, r, i, in->flags, in->open_flags, out);
	if (err)
		node_forget(&f->nodes, i, 1);
	return err;
}

/* openat() that makes a regular file, under the caller's ids. Descriptor or -errno. */
static int make_file(struct fsd *f, struct request *r, const struct fuse_create_in *in, int dir,
		     const char *name, int create_flags)
{
	struct identity old;
	int host, fd, err;

	err = open_flags(r, false, in->flags, &host);
	if (!err)
		err = handle_make_room(&f->handles);
	if (!err)
		err = assume_identity(r, in->umask, &old);
	if (err)
		return err;
	fd = openat(dir, name, (host & ~O_TRUNC) | create_flags, in->mode & 07777);
	err = fd < 0 ? -errno : fd;
	resume_identity(&old);
	return err;
}

int op_create(struct fsd *f, struct request *r)
{
	const struct fuse_create_in *in = REQUEST_BODY(r, struct fuse_create_in);
	struct fuse_entry_out *entry = request_reply(r, sizeof(*entry));
	struct fuse_open_out *out = request_reply(r, sizeof(*out));
	const char *name;
	int dir, fd, err;

	err = name_and_dir(f, r, &name, &dir);
	if (err)
		return err;
	fd = make_file(f, r, in, dir, name, O_CREAT | O_EXCL | O_NOFOLLOW);
	if (fd == -EEXIST && !(in->flags & O_EXCL))
		return open_existing(f, r, name, in, entry, out);
	return fd < 0 ? fd : enter_open_file(f, r, name, fd, entry, out);
}

int op_tmpfile(struct fsd *f, struct request *r)
{
	const struct fuse_create_in *in = REQUEST_BODY(r, struct fuse_create_in);
	struct fuse_entry_out *entry = request_reply(r, sizeof(*entry));
	struct fuse_open_out *out = request_reply(r, sizeof(*out));
	int dir = node_fd(&f->nodes, r->node);
	struct fuse_create_in rw = *in;
	int fd;

	/* A name follows in the body that means nothing: the file has none. */
	if (dir < 0)
		return dir;
	/* O_TMPFILE needs write access, and asking for it is no more than CREATE has. */
	if ((rw.flags & O_ACCMODE) == O_RDONLY)
		rw.flags |= O_RDWR;
	fd = make_file(f, r, &rw, dir, ".", O_TMPFILE);
	return fd < 0 ? fd : enter_open_file(f, r, NULL, fd, entry, out);
}

/*
 * Looks up what was just made, for the reply. Still as the one who has made it, to whom the
 * directory is open: to us it need not be (request.c).
 */
static int reply_new(struct fsd *f, struct request *r, const char *name)
{
	struct fuse_entry_out *out = request_reply(r, sizeof(*out));

	return lookup_entry(f, r, r->node, name, out);
}

int op_mknod(struct fsd *f, struct request *r)
{
	const struct fuse_mknod_in *in = REQUEST_BODY(r, struct fuse_mknod_in);
	mode_t type = in->mode & S_IFMT;
	struct identity old;
	const char *name;
	int dir, err;

	err = name_and_dir(f, r, &name, &dir);
	if (err)
		return err;
	/* Character device 0:0 is overlayfs's whiteout, which opens nothing. */
	if (type != S_IFREG && type != S_IFIFO && type != S_IFSOCK &&
	    !(type == S_IFCHR && in->rdev == 0))
		return -EPERM;
	err = assume_identity(r, in->umask, &old);
	if (err)
		return err;
	err = mknodat(dir, name, type | (in->mode & 07777), makedev(0, 0)) < 0 ? -errno
									       : reply_new(f, r, name);
	resume_identity(&old);
	return err;
}

int op_mkdir(struct fsd *f, struct request *r)
{
	const struct fuse_mkdir_in *in = REQUEST_BODY(r, struct fuse_mkdir_in);
	struct identity old;
	const char *name;
	int dir, err;

	err = name_and_dir(f, r, &name, &dir);
	if (!err)
		err = assume_identity(r, in->umask, &old);
	if (err)
		return err;
	err = mkdirat(dir, name, in->mode & 07777) < 0 ? -errno : reply_new(f, r, name);
	resume_identity(&old);
	return err;
}

int op_symlink(struct fsd *f, struct request *r)
{
	struct identity old;
	const char *name, *target;
	int dir, err;

	err = request_name(r, &name);
	if (err)
		return err;
	/* The target is data: it is followed by the guest's kernel, never here. */
	target = cursor_take_string(&r->body);
	if (!target || request_end(r))
		return -EINVAL;
	dir = node_fd(&f->nodes, r->node);
	if (dir < 0)
		return dir;
	err = assume_identity(r, 0, &old);
	if (err)
		return err;
	err = symlinkat(target, dir, name) < 0 ? -errno : reply_new(f, r, name);
	resume_identity(&old);
	return err;
}
