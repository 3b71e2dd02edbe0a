/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GETATTR and SETATTR. See request.h.
 *
 * Ids need no translation here: fsd's user namespace begins at PLAN_ID_BASE, as the guest's does,
 * so the kernel shows and takes exactly the ids that are on the wire.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "plan.h"
#include "request.h"

/* Linux's new_encode_dev(), which FUSE has on its wire. */
static uint32_t encode_dev(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xfff00) << 12;
}

void attr_fill(struct fsd *f, uint32_t i, const struct statx *st, struct fuse_attr *out)
{
	/*
	 * One session has one st_dev, but may show several of the host's file systems, on which
	 * inode numbers repeat: programs that compare (st_dev, st_ino) would take two files for
	 * one. The number of the mount goes into the high bits; 0, which changes nothing, is the
	 * root's.
	 */
	out->ino = st->stx_ino ^ (uint64_t)node_at(&f->nodes, i)->mount << 48;
	out->size = st->stx_size;
	out->blocks = st->stx_blocks;
	out->atime = (uint64_t)st->stx_atime.tv_sec;
	out->mtime = (uint64_t)st->stx_mtime.tv_sec;
	out->ctime = (uint64_t)st->stx_ctime.tv_sec;
	out->atimensec = st->stx_atime.tv_nsec;
	out->mtimensec = st->stx_mtime.tv_nsec;
	out->ctimensec = st->stx_ctime.tv_nsec;
	out->mode = st->stx_mode;
	out->nlink = st->stx_nlink;
	out->uid = st->stx_uid;
	out->gid = st->stx_gid;
	out->rdev = encode_dev(st->stx_rdev_major, st->stx_rdev_minor);
	out->blksize = st->stx_blksize;
}

void attr_fill_synthetic(uint32_t i, struct fuse_attr *out)
{
	*out = (struct fuse_attr){.ino = i,
				  .mode = S_IFDIR | 0555,
				  .nlink = 2,
				  .uid = PLAN_ID_BASE,
				  .gid = PLAN_ID_BASE,
				  .blksize = 4096};
}

/* The descriptor to ask about the request's node: the handle's if one was given. */
static int fd_of(struct fsd *f, const struct request *r, bool with_fh, uint64_t fh)
{
	struct handle *h;

	if (!with_fh)
		return node_fd(&f->nodes, r->node);
	h = handle_get(&f->handles, fh, r->node, HANDLE_FILE, r->class);
	if (!h)
		h = handle_get(&f->handles, fh, r->node, HANDLE_DIR, r->class);
	return h ? h->fd : -EBADF;
}

static int reply_attr(struct fsd *f, struct request *r, int fd)
{
	struct fuse_attr_out *out = request_reply(r, sizeof(*out));
	struct statx st;
	int err = sys_stat_fd(fd, &st);

	if (err)
		return err;
	/* A change may have copied it up. */
	node_renumber(&f->nodes, r->node, &st);
	attr_fill(f, r->node, &st, &out->attr);
	out->attr_valid = entry_valid_s(r->class);
	return 0;
}

int op_getattr(struct fsd *f, struct request *r)
{
	const struct fuse_getattr_in *in = REQUEST_BODY(r, struct fuse_getattr_in);
	int fd;

	if (node_is_synthetic(&f->nodes, r->node)) {
		struct fuse_attr_out *out = request_reply(r, sizeof(*out));

		attr_fill_synthetic(r->node, &out->attr);
		out->attr_valid = entry_valid_s(r->class);
		return 0;
	}
	fd = fd_of(f, r, in->getattr_flags & FUSE_GETATTR_FH, in->fh);
	return fd < 0 ? fd : reply_attr(f, r, fd);
}

int attr_kill_suidgid(struct fsd *f, int fd)
{
	struct proc_name name = proc_name_of(fd);
	struct statx st;
	mode_t kill;
	int err = sys_stat_fd(fd, &st);

	if (err || !S_ISREG(st.stx_mode))
		return err;
	kill = st.stx_mode & S_ISUID;
	/* Without group execute set-group-id is not a right but mandatory locking's mark. */
	if ((st.stx_mode & S_ISGID) && (st.stx_mode & S_IXGRP))
		kill |= S_ISGID;
	if (kill && fchmodat(f->proc_fd, name.text, (st.stx_mode & 07777) & ~kill, 0) < 0)
		return -errno;
	/*
	 * Asked for first: of a file whose owner is not in our user namespace nothing may be removed, not
	 * even what is not there. What is there the kernel itself removes at a change of size or owner
	 * (dentry_needs_remove_privs()), so that EPERM leaves nothing undone.
	 */
	if (getxattr(name.text, "security.capability", NULL, 0) < 0 &&
	    (errno == ENODATA || errno == EOPNOTSUPP))
		return 0;
	if (removexattr(name.text, "security.capability") < 0 && errno != ENODATA &&
	    errno != EOPNOTSUPP && errno != EPERM)
		return -errno;
	return 0;
}

static int set_size(struct fsd *f, const struct request *r, const struct fuse_setattr_in *in,
		    int path_fd)
{
	struct handle *h;
	int fd, err = 0;

	if (in->size > INT64_MAX)
		return -EFBIG;
	if (in->valid & FATTR_FH) {
		h = handle_get(&f->handles, in->fh, r->node, HANDLE_FILE, r->class);
		if (!h)
			return -EBADF;
		return ftruncate(h->fd, (off_t)in->size) < 0 ? -errno : 0;
	}
	fd = open_through_proc(f, path_fd, S_IFREG, O_WRONLY);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)in->size) < 0)
		err = -errno;
	close(fd);
	return err;
}

static struct timespec time_of(uint32_t valid, uint32_t set, uint32_t now, uint64_t s, uint32_t ns)
{
	if (!(valid & set))
		return (struct timespec){.tv_nsec = UTIME_OMIT};
	if (valid & now)
		return (struct timespec){.tv_nsec = UTIME_NOW};
	return (struct timespec){.tv_sec = (time_t)s, .tv_nsec = (long)ns};
}

/*
 * The guest's kernel sends times of its own clock: for UTIME_NOW too, and what writes have made of mtime,
 * when it writes back. Both are for who may write to the file, but a time that is given is the owner's to
 * set, and we are not the owner of a file whose uid is not in our user namespace.
 */
static int set_times(struct fsd *f, const struct request *r, const struct fuse_setattr_in *in, int fd)
{
	static const struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
	struct proc_name name = proc_name_of(fd);
	const struct timespec ts[2] = {
		time_of(in->valid, FATTR_ATIME, FATTR_ATIME_NOW, in->atime, in->atimensec),
		time_of(in->valid, FATTR_MTIME, FATTR_MTIME_NOW, in->mtime, in->mtimensec),
	};

	/* The guest may not choose the two values that mean something else. */
	if (in->atimensec > 999999999 || in->mtimensec > 999999999)
		return -EINVAL;
	if (utimensat(f->proc_fd, name.text, ts, 0) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	/* Writing back: the writes have set mtime here already, and fsync() must not fail for this. */
	if (r->hdr.uid < PLAN_ID_BASE)
		return 0;
	return utimensat(f->proc_fd, name.text, now, 0) < 0 ? -EPERM : 0;
}

/* Owner before mode: chown() takes set-user-id bits off that the mode may want back. */
static int apply(struct fsd *f, struct request *r, const struct fuse_setattr_in *in, int fd)
{
	struct proc_name name = proc_name_of(fd);
	uid_t uid = in->valid & FATTR_UID ? in->uid : (uid_t)-1;
	gid_t gid = in->valid & FATTR_GID ? in->gid : (gid_t)-1;
	int err = 0;

	if ((in->valid & (FATTR_UID | FATTR_GID)) && fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return -errno;
	if (in->valid & FATTR_MODE) {
		/* There is no mode to set on a symbolic link. */
		if ((uint32_t)node_at(&f->nodes, r->node)->type << 12 == S_IFLNK)
			return -EOPNOTSUPP;
		if (fchmodat(f->proc_fd, name.text, in->mode & 07777, 0) < 0)
			return -errno;
	}
	if (in->valid & FATTR_SIZE)
		err = set_size(f, r, in, fd);
	if (!err && (in->valid & FATTR_KILL_SUIDGID))
		err = attr_kill_suidgid(f, fd);
	if (!err && (in->valid & (FATTR_ATIME | FATTR_MTIME)))
		err = set_times(f, r, in, fd);
	return err;
}

int op_setattr(struct fsd *f, struct request *r)
{
	const struct fuse_setattr_in *in = REQUEST_BODY(r, struct fuse_setattr_in);
	const uint32_t rights = FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE;
	int fd, err;

	if (node_export(&f->nodes, r->node)->read_only)
		return -EROFS;
	/* The guest's flusher threads write back times as the guest's root: not a change of rights.
	 */
	if ((r->hdr.uid < PLAN_ID_BASE || r->hdr.gid < PLAN_ID_BASE) && (in->valid & rights))
		return -EPERM;
	fd = fd_of(f, r, in->valid & FATTR_FH, in->fh);
	if (fd < 0)
		return fd;
	err = apply(f, r, in, fd);
	return err ? err : reply_attr(f, r, fd);
}
