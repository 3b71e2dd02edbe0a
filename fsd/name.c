/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: UNLINK, RMDIR, RENAME, LINK, READLINK. See request.h.
 *
 * Before a name goes away, the object behind it is opened (O_PATH): if the guest knows it as a
 * node, that node keeps the descriptor, because it will not be found by a path again.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <unistd.h>

#include "request.h"

/* What a name stands for: the node, if the guest knows it, and a descriptor of the object. */
struct victim {
	uint32_t node; /* NODE_NONE: not known, or no such name */
	int fd;        /* -1: none */
};

static struct victim find_victim(struct fsd *f, uint32_t parent, int dir, const char *name)
{
	struct victim v = {NODE_NONE, -1};
	struct statx st;

	if (node_fds_make_room(&f->nodes))
		return v;
	v.fd = sys_open_component(dir, name);
	if (v.fd < 0) {
		v.fd = -1;
		return v;
	}
	if (sys_stat_fd(v.fd, &st) == 0)
		v.node = node_find(&f->nodes, parent, name, v.fd, &st);
	return v;
}

/* The name is gone. */
static void settle_victim(struct fsd *f, struct victim *v, uint32_t parent, const char *name)
{
	if (v->node)
		node_unlinked(&f->nodes, v->node, parent, name, v->fd);
	else if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
}

static void spare_victim(struct victim *v)
{
	if (v->fd >= 0)
		close(v->fd);
}

static int remove_name(struct fsd *f, struct request *r, int flags)
{
	struct victim v;
	const char *name;
	int dir, err = request_name(r, &name);

	if (!err)
		err = request_end(r);
	if (err)
		return err;
	dir = node_fd(&f->nodes, r->node);
	if (dir < 0)
		return dir;
	v = find_victim(f, r->node, dir, name);
	if (unlinkat(dir, name, flags) < 0) {
		err = -errno;
		spare_victim(&v);
		return err;
	}
	settle_victim(f, &v, r->node, name);
	return 0;
}

int op_unlink(struct fsd *f, struct request *r)
{
	return remove_name(f, r, 0);
}

int op_rmdir(struct fsd *f, struct request *r)
{
	return remove_name(f, r, AT_REMOVEDIR);
}

/* The node moved from one place to the other. */
static void moved(struct fsd *f, struct victim *v, uint32_t parent, const char *name)
{
	/* Without memory for the new name the node keeps its old one, and will be ESTALE honestly.
	 */
	if (v->node) {
		(void)node_move(&f->nodes, v->node, parent, name);
		node_follow(&f->nodes, v->node);
	}
	spare_victim(v);
}

/*
 * What RENAME_WHITEOUT leaves at the old name is new, and belongs to the caller, as what create.c makes.
 * Device 0:0 opens nothing.
 */
static int rename_leaving_whiteout(const struct request *r, int old_fd, const char *from, int new_fd,
				   const char *to, uint32_t flags)
{
	struct sys_identity old;
	int err;

	sys_identity_get(&old);
	err = sys_become(r->hdr.uid, r->hdr.gid);
	if (err)
		return err;
	err = sys_renameat2(old_fd, from, new_fd, to, flags);
	/* Going back to ids that were there cannot fail. */
	(void)sys_become(old.uid, old.gid);
	return err;
}

static int rename_between(struct fsd *f, struct request *r, uint64_t newdir_id, uint32_t flags)
{
	uint32_t newdir = request_node(f, r, newdir_id);
	const char *from, *to;
	struct victim source, target;
	int old_fd, new_fd, err;

	err = request_name(r, &from);
	if (!err)
		err = request_name(r, &to);
	if (!err)
		err = request_end(r);
	if (err)
		return err;
	if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if (!newdir || !node_is_dir(&f->nodes, newdir))
		return newdir ? -ENOTDIR : -ESTALE;
	if (node_is_synthetic(&f->nodes, newdir) ||
	    node_mount(&f->nodes, newdir)->export != node_mount(&f->nodes, r->node)->export)
		return -EXDEV;
	old_fd = node_fd(&f->nodes, r->node);
	if (old_fd < 0)
		return old_fd;
	new_fd = node_fd(&f->nodes, newdir);
	if (new_fd < 0)
		return new_fd;
	source = find_victim(f, r->node, old_fd, from);
	target = find_victim(f, newdir, new_fd, to);
	err = flags & RENAME_WHITEOUT ? rename_leaving_whiteout(r, old_fd, from, new_fd, to, flags)
				      : sys_renameat2(old_fd, from, new_fd, to, flags);
	if (err || (source.node && source.node == target.node)) {
		/* Two names of one file: rename(2) does nothing. */
		spare_victim(&source);
		spare_victim(&target);
		return err;
	}
	if (flags & RENAME_EXCHANGE)
		moved(f, &target, r->node, from);
	else
		settle_victim(f, &target, newdir, to);
	moved(f, &source, newdir, to);
	return 0;
}

int op_rename(struct fsd *f, struct request *r)
{
	const struct fuse_rename_in *in = REQUEST_BODY(r, struct fuse_rename_in);

	return rename_between(f, r, in->newdir, 0);
}

int op_rename2(struct fsd *f, struct request *r)
{
	const struct fuse_rename2_in *in = REQUEST_BODY(r, struct fuse_rename2_in);

	return rename_between(f, r, in->newdir, in->flags);
}

int op_link(struct fsd *f, struct request *r)
{
	const struct fuse_link_in *in = REQUEST_BODY(r, struct fuse_link_in);
	struct fuse_entry_out *out = request_reply(r, sizeof(*out));
	uint32_t old = request_node(f, r, in->oldnodeid);
	struct proc_name pname;
	const char *name;
	int dir, fd, err;

	err = request_name(r, &name);
	if (!err)
		err = request_end(r);
	if (err)
		return err;
	if (!old)
		return -ESTALE;
	if (node_is_synthetic(&f->nodes, old) ||
	    node_mount(&f->nodes, old)->export != node_mount(&f->nodes, r->node)->export)
		return -EXDEV;
	dir = node_fd(&f->nodes, r->node);
	if (dir < 0)
		return dir;
	fd = node_fd(&f->nodes, old);
	if (fd < 0)
		return fd;
	/* Through our own procfs: AT_EMPTY_PATH would take CAP_DAC_READ_SEARCH. */
	pname = proc_name_of(fd);
	if (linkat(f->proc_fd, pname.text, dir, name, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	node_linked(&f->nodes, old);
	return lookup_entry(f, r, r->node, name, out);
}

int op_readlink(struct fsd *f, struct request *r)
{
	char target[PATH_MAX];
	int fd = node_fd(&f->nodes, r->node);
	ssize_t n;
	uint8_t *out;

	if (fd < 0)
		return fd;
	n = readlinkat(fd, "", target, sizeof(target));
	if (n < 0)
		return errno == ENOENT ? -EINVAL : -errno; /* ENOENT: not a symbolic link */
	out = request_reply(r, (size_t)n);
	for (ssize_t i = 0; i < n; i++)
		out[i] = (uint8_t)target[i];
	return 0;
}
