/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framing and dispatch. See request.h.
 *
 * One table says for each opcode how long its body is at least and what must be true before its
 * operation runs. Everything that the table does not list is ENOSYS: FUSE's kernel side takes that
 * as "never ask again" or as the error, both right for locks, ioctl, poll, bmap and DAX.
 */
#include "request.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "plan.h"

enum op_flags {
	OP_DIR = 1u << 0,     /* the node must be a directory */
	OP_CHANGES = 1u << 1, /* not where it is read-only, and only for ids of the container */
	OP_QUIET = 1u << 2,   /* FUSE has no answer to it */
	OP_NO_NODE = 1u << 3, /* the header names no node */
	OP_REAL = 1u << 4,    /* not for directories that exist only here */
};

struct op {
	request_op fn;
	uint16_t min_body;
	uint8_t flags;
};

#define CHANGE_IN_DIR (OP_DIR | OP_CHANGES | OP_REAL)
#define CHANGE        (OP_CHANGES | OP_REAL)
#define MIN(type)     ((uint16_t)sizeof(type))

static const struct op ops[] = {
	[FUSE_LOOKUP] = {op_lookup, 2, OP_DIR},
	[FUSE_FORGET] = {op_forget, MIN(struct fuse_forget_in), OP_QUIET},
	[FUSE_GETATTR] = {op_getattr, MIN(struct fuse_getattr_in), 0},
	/* SETATTR checks ids itself: the guest's kernel writes times back as its own root. */
	[FUSE_SETATTR] = {op_setattr, MIN(struct fuse_setattr_in), OP_REAL},
	[FUSE_READLINK] = {op_readlink, 0, OP_REAL},
	[FUSE_SYMLINK] = {op_symlink, 4, CHANGE_IN_DIR},
	[FUSE_MKNOD] = {op_mknod, MIN(struct fuse_mknod_in) + 2, CHANGE_IN_DIR},
	[FUSE_MKDIR] = {op_mkdir, MIN(struct fuse_mkdir_in) + 2, CHANGE_IN_DIR},
	[FUSE_UNLINK] = {op_unlink, 2, CHANGE_IN_DIR},
	[FUSE_RMDIR] = {op_rmdir, 2, CHANGE_IN_DIR},
	[FUSE_RENAME] = {op_rename, MIN(struct fuse_rename_in) + 4, CHANGE_IN_DIR},
	[FUSE_LINK] = {op_link, MIN(struct fuse_link_in) + 2, CHANGE_IN_DIR},
	[FUSE_OPEN] = {op_open, MIN(struct fuse_open_in), OP_REAL},
	[FUSE_STATFS] = {op_statfs, 0, 0},
	[FUSE_RELEASE] = {op_release, MIN(struct fuse_release_in), OP_REAL},
	[FUSE_FSYNC] = {op_fsync, MIN(struct fuse_fsync_in), OP_REAL},
	[FUSE_SETXATTR] = {op_setxattr, MIN(struct fuse_setxattr_in) + 2, CHANGE},
	[FUSE_GETXATTR] = {op_getxattr, MIN(struct fuse_getxattr_in) + 2, 0},
	[FUSE_LISTXATTR] = {op_listxattr, MIN(struct fuse_getxattr_in), 0},
	[FUSE_REMOVEXATTR] = {op_removexattr, 2, CHANGE},
	[FUSE_FLUSH] = {op_flush, MIN(struct fuse_flush_in), OP_REAL},
	[FUSE_OPENDIR] = {op_opendir, MIN(struct fuse_open_in), OP_DIR},
	[FUSE_READDIR] = {op_readdir, MIN(struct fuse_read_in), OP_DIR},
	[FUSE_RELEASEDIR] = {op_releasedir, MIN(struct fuse_release_in), OP_DIR},
	[FUSE_FSYNCDIR] = {op_fsyncdir, MIN(struct fuse_fsync_in), OP_DIR},
	[FUSE_CREATE] = {op_create, MIN(struct fuse_create_in) + 2, CHANGE_IN_DIR},
	[FUSE_BATCH_FORGET] = {op_batch_forget, MIN(struct fuse_batch_forget_in),
			       OP_QUIET | OP_NO_NODE},
	[FUSE_FALLOCATE] = {op_fallocate, MIN(struct fuse_fallocate_in), OP_REAL},
	[FUSE_READDIRPLUS] = {op_readdirplus, MIN(struct fuse_read_in), OP_DIR},
	[FUSE_RENAME2] = {op_rename2, MIN(struct fuse_rename2_in) + 4, CHANGE_IN_DIR},
	[FUSE_LSEEK] = {op_lseek, MIN(struct fuse_lseek_in), OP_REAL},
	[FUSE_COPY_FILE_RANGE] = {op_copy_file_range, MIN(struct fuse_copy_file_range_in), OP_REAL},
	[FUSE_SYNCFS] = {op_syncfs, MIN(struct fuse_syncfs_in), 0},
	[FUSE_TMPFILE] = {op_tmpfile, MIN(struct fuse_create_in), CHANGE_IN_DIR},
};
#define N_OPS (sizeof(ops) / sizeof(ops[0]))

int request_name(struct request *r, const char **name)
{
	*name = cursor_take_string(&r->body);
	if (!*name || !**name || strchr(*name, '/') || !strcmp(*name, ".") || !strcmp(*name, ".."))
		return -EINVAL;
	return strlen(*name) > NAME_MAX ? -ENAMETOOLONG : 0;
}

int request_end(const struct request *r)
{
	return r->body.failed || r->body.left ? -EINVAL : 0;
}

void *request_reply(struct request *r, size_t len)
{
	void *at = r->out + r->out_len;

	if (len > REPLY_BODY_MAX - r->out_len)
		return NULL;
	r->out_len += len;
	return memset(at, 0, len);
}

uint32_t request_node(struct fsd *f, const struct request *r, uint64_t node_id)
{
	uint64_t i = node_id & BROKER_NODE_MASK;

	if (node_id >> BROKER_NODE_SHIFT != (uint64_t)f->container + 1 ||
	    !node_exists(&f->nodes, i))
		return NODE_NONE;
	if (i == NODE_TOP)
		return NODE_TOP;
	if (i == NODE_MOUNTS)
		return r->class == BROKER_CLASS_VOLUME ? NODE_MOUNTS : NODE_NONE;
	if (export_class(node_mount(&f->nodes, (uint32_t)i)->export) != r->class)
		return NODE_NONE;
	return (uint32_t)i;
}

/* What the table demands of the request's node and ids. 0 or -errno. */
static int check_op(struct fsd *f, struct request *r, const struct op *op)
{
	bool synthetic;

	if (r->body.left < op->min_body)
		return -EINVAL;
	if (op->flags & OP_NO_NODE)
		return 0;
	r->node = request_node(f, r, r->hdr.nodeid);
	if (!r->node)
		return -ESTALE;
	if ((op->flags & OP_DIR) && !node_is_dir(&f->nodes, r->node))
		return -ENOTDIR;
	synthetic = node_is_synthetic(&f->nodes, r->node);
	if ((op->flags & OP_REAL) && synthetic)
		return op->flags & OP_CHANGES ? -EROFS : -EINVAL;
	if (!(op->flags & OP_CHANGES))
		return 0;
	if (node_export(&f->nodes, r->node)->read_only)
		return -EROFS;
	/*
	 * The guest's own root (nacre-init) is nobody here: its id is not in our user namespace, so
	 * it could own nothing.
	 */
	return r->hdr.uid < PLAN_ID_BASE || r->hdr.gid < PLAN_ID_BASE ? -EPERM : 0;
}

/*
 * Tries a refused operation again under the caller's ids, and the group of the object: the guest's kernel has
 * found that the caller may. Ours is the container's root, which is nobody on a server that squashes root and to
 * a file whose owner is not in our user namespace; there it takes the owner or a member of the group. What was
 * refused has changed nothing. What comes of it, or the refusal of before.
 */
static int try_as_caller(struct fsd *f, struct request *r, const struct request *fresh, const struct op *op,
			 int err)
{
	struct sys_identity ours;
	struct statx st;
	int fd, again;

	if (!r->node || node_is_synthetic(&f->nodes, r->node) || r->hdr.uid < PLAN_ID_BASE ||
	    r->hdr.gid < PLAN_ID_BASE)
		return err;
	fd = node_fd(&f->nodes, r->node);
	if (fd < 0 || sys_stat_fd(fd, &st))
		return err;
	sys_identity_get(&ours);
	if (sys_become(r->hdr.uid, st.stx_gid < PLAN_ID_BASE ? r->hdr.gid : st.stx_gid))
		return err;
	*r = *fresh;
	node_fds_begin(&f->nodes);
	again = op->fn(f, r);
	(void)sys_become(ours.uid, ours.gid);
	return again == -EACCES || again == -EPERM ? err : again;
}

/* Runs the operation. -errno or 0; *quiet when FUSE expects no answer. */
static int run(struct fsd *f, struct request *r, bool *quiet)
{
	const struct op *op;
	struct request fresh;
	int err;

	if (r->hdr.opcode >= N_OPS || !ops[r->hdr.opcode].fn)
		return -ENOSYS;
	op = &ops[r->hdr.opcode];
	*quiet = op->flags & OP_QUIET;
	/* Extensions (security contexts, groups) were not negotiated. */
	if (r->hdr.total_extlen)
		return -EINVAL;
	err = check_op(f, r, op);
	if (err)
		return err;
	node_fds_begin(&f->nodes);
	fresh = *r;
	err = op->fn(f, r);
	return err == -EACCES || err == -EPERM ? try_as_caller(f, r, &fresh, op, err) : err;
}

/* The guest's session of this class is over: everything it held is given back. */
static void reset_session(struct fsd *f, enum broker_class class)
{
	for (unsigned int i = 0; i < DIR_WINDOWS; i++)
		f->window[i].handle = NULL;
	handle_reset_class(&f->handles, class);
	node_reset_class(&f->nodes, class);
}

size_t request_serve(struct fsd *f, size_t len, int *donate)
{
	struct cursor c = cursor_over(f->in, len);
	const struct broker_header *bh = cursor_take(&c, sizeof(*bh));
	const struct fuse_in_header *hdr;
	struct fuse_out_header out;
	struct request r;
	bool quiet = false;
	int err;

	*donate = -1;
	if (!bh || bh->class >= BROKER_CLASS_COUNT)
		return 0;
	if (bh->tag == BROKER_TAG_RESET) {
		if (c.left == 0)
			reset_session(f, bh->class);
		return 0;
	}
	hdr = cursor_take(&c, sizeof(*hdr));
	if (!hdr)
		return 0;
	r = (struct request){
		.hdr = *hdr, .class = bh->class, .tag = bh->tag, .body = c, .donate = -1,
		.open_ahead = bh->flags & BROKER_OPEN_AHEAD};
	r.out = f->out + sizeof(*bh) + sizeof(out);
	err = r.hdr.len == c.left + sizeof(*hdr) ? run(f, &r, &quiet) : -EINVAL;
	if (quiet || bh->tag == BROKER_TAG_QUIET || err == REQUEST_LATER)
		return 0;
	if (err)
		r.out_len = 0;
	else
		*donate = r.donate;
	out = (struct fuse_out_header){
		.len = (uint32_t)(sizeof(out) + r.out_len), .error = err, .unique = r.hdr.unique};
	memcpy(f->out, bh, sizeof(*bh));
	memcpy(f->out + sizeof(*bh), &out, sizeof(out));
	return sizeof(*bh) + out.len;
}

struct proc_name proc_name_of(int fd)
{
	struct proc_name n;

	snprintf(n.text, sizeof(n.text), "%d", fd);
	return n;
}

int fsd_init(struct fsd *f, uint32_t container, int proc_fd, uint32_t max_nodes, uint32_t max_fds)
{
	f->container = container;
	f->proc_fd = proc_fd;
	handle_table_init(&f->handles, &f->nodes);
	return node_table_init(&f->nodes, &f->exports, max_nodes, max_fds);
}
