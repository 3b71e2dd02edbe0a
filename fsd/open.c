/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files: OPEN, RELEASE and what works on a handle. See request.h.
 *
 * Only what fstat() calls a regular file or a directory is ever opened for real: opening a FIFO
 * would block, opening a device acts on the host. The guest's kernel opens such nodes itself, as
 * its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include "plan.h"
#include "request.h"
#include "slow.h"

/* Bytes of one COPY_FILE_RANGE. */
#define COPY_MAX (64u << 20)
/* One in so many handles may be one that the VMM keeps for later. */
#define KEPT_SHARE 8u
/* Flags of the guest's open() that mean something to the host's file system. */
#define KEPT_FLAGS (O_TRUNC | O_SYNC | O_DSYNC | O_NOATIME)

int open_flags(const struct request *r, bool read_only, uint32_t flags, int *host)
{
	int mode = (int)(flags & O_ACCMODE);

	if (mode != O_RDONLY && mode != O_WRONLY && mode != O_RDWR)
		return -EINVAL;
	if (read_only && (mode != O_RDONLY || (flags & O_TRUNC)))
		return -EROFS;
	/* With a writeback cache the guest reads the pages that it will write in part. */
	if (mode == O_WRONLY && r->class == BROKER_CLASS_ROOT)
		mode = O_RDWR;
	/*
	 * O_APPEND would make positions of pwritev() meaningless, O_DIRECT would ask for alignment
	 * of guest memory; the guest has had its own handling of both.
	 */
	*host = mode | ((int)flags & KEPT_FLAGS) | O_CLOEXEC | O_NOCTTY;
	return 0;
}

/* openat() by number. Descriptor or -errno. */
static int open_number(const struct fsd *f, int fd, int flags)
{
	struct proc_name name = proc_name_of(fd);
	int r = openat(f->proc_fd, name.text, flags | O_CLOEXEC | O_NOCTTY);

	return r < 0 ? -errno : r;
}

int open_through_proc(struct fsd *f, int fd, mode_t type, int flags)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_mode & S_IFMT) != type || (type != S_IFREG && type != S_IFDIR))
		return type == S_IFDIR ? -ENOTDIR : -EPERM;
	return open_number(f, fd, flags);
}

void open_donate(struct fsd *f, struct request *r, int fd, uint32_t i, struct fuse_open_out *out)
{
	out->fh = handle_add(&f->handles, fd, i, HANDLE_FILE, r->class);
	/* Several writers without the guest's inode lock: the host's file system has its own. */
	out->open_flags = FOPEN_PARALLEL_DIRECT_WRITES;
	if (r->class == BROKER_CLASS_ROOT)
		out->open_flags |= FOPEN_KEEP_CACHE;
	else if (!node_mount(&f->nodes, i)->remote)
		out->open_flags |= FOPEN_NOFLUSH;
	r->donate = fd;
}

/*
 * True when a handle of node i may outlive its RELEASE (BROKER_MAY_KEEP): a server would like to hear of it,
 * and those that are kept must not be many against those that are in use.
 */
static bool may_keep(const struct fsd *f, uint32_t i)
{
	return !node_mount(&f->nodes, i)->remote &&
	       f->nodes.fds.n_handles < f->nodes.fds.max_total / KEPT_SHARE;
}

void open_ahead(struct fsd *f, struct request *r, uint32_t i)
{
	struct fuse_open_out *out;
	int path_fd, fd;

	if (!may_keep(f, i))
		return;
	path_fd = node_fd(&f->nodes, i);
	if (path_fd < 0 || handle_make_room(&f->handles))
		return;
	/*
	 * statx() has just said of this descriptor that it is a regular file. Nobody has asked to open it yet:
	 * not the time to wait for one who has a lease on it.
	 */
	fd = open_number(f, path_fd, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return;
	out = request_reply(r, sizeof(*out));
	open_donate(f, r, fd, i, out);
	out->padding = BROKER_MAY_KEEP;
}

int open_node(struct fsd *f, struct request *r, uint32_t i, uint32_t flags, uint32_t fuse_flags,
	      struct fuse_open_out *out)
{
	int host, path_fd, fd, err;

	err = open_flags(r, node_export(&f->nodes, i)->read_only, flags, &host);
	if (err)
		return err;
	/* A change of contents, like SETATTR's size. */
	if ((flags & O_TRUNC) && (r->hdr.uid < PLAN_ID_BASE || r->hdr.gid < PLAN_ID_BASE))
		return -EPERM;
	path_fd = node_fd(&f->nodes, i);
	if (path_fd < 0)
		return path_fd;
	err = handle_make_room(&f->handles);
	if (err)
		return err;
	fd = open_through_proc(f, path_fd, S_IFREG, host);
	if (fd < 0)
		return fd;
	if ((host & (O_ACCMODE | O_TRUNC)) != O_RDONLY)
		node_follow(&f->nodes, i);
	if ((flags & O_TRUNC) && (fuse_flags & FUSE_OPEN_KILL_SUIDGID)) {
		err = attr_kill_suidgid(f, path_fd);
		if (err) {
			close(fd);
			return err;
		}
	}
	open_donate(f, r, fd, i, out);
	if ((flags & (O_ACCMODE | KEPT_FLAGS)) == O_RDONLY && may_keep(f, i))
		out->padding = BROKER_MAY_KEEP;
	return 0;
}

int op_open(struct fsd *f, struct request *r)
{
	const struct fuse_open_in *in = REQUEST_BODY(r, struct fuse_open_in);
	struct fuse_open_out *out = request_reply(r, sizeof(*out));

	return open_node(f, r, r->node, in->flags, in->open_flags, out);
}

int op_release(struct fsd *f, struct request *r)
{
	const struct fuse_release_in *in = REQUEST_BODY(r, struct fuse_release_in);
	struct handle *h = handle_get(&f->handles, in->fh, r->node, HANDLE_FILE, r->class);

	if (!h)
		return -EBADF;
	handle_close(&f->handles, h);
	return 0;
}

/* What close() of one of several descriptors of a file would report. */
int op_flush(struct fsd *f, struct request *r)
{
	const struct fuse_flush_in *in = REQUEST_BODY(r, struct fuse_flush_in);
	struct handle *h = handle_get(&f->handles, in->fh, r->node, HANDLE_FILE, r->class);
	struct slow_job job = {.opcode = FUSE_FLUSH, .to_fd = -1};

	if (!h)
		return -EBADF;
	/*
	 * On a local file system close() has nothing to report. ENOSYS makes the guest's kernel ask
	 * no more in this session, which saves a round trip per close(); a class of volumes may
	 * have both kinds, and there FOPEN_NOFLUSH spares the local ones.
	 */
	if (r->class == BROKER_CLASS_ROOT && !node_mount(&f->nodes, r->node)->remote)
		return -ENOSYS;
	/* On the others it writes out what the host has cached. */
	job.fd = h->fd;
	return slow_do(f, r, &job, NULL);
}

int op_fsync(struct fsd *f, struct request *r)
{
	const struct fuse_fsync_in *in = REQUEST_BODY(r, struct fuse_fsync_in);
	struct handle *h = handle_get(&f->handles, in->fh, r->node, HANDLE_FILE, r->class);
	struct slow_job job = {
		.opcode = FUSE_FSYNC, .to_fd = -1, .mode = in->fsync_flags & FUSE_FSYNC_FDATASYNC};

	if (!h)
		return -EBADF;
	job.fd = h->fd;
	return slow_do(f, r, &job, NULL);
}

int op_fallocate(struct fsd *f, struct request *r)
{
	const struct fuse_fallocate_in *in = REQUEST_BODY(r, struct fuse_fallocate_in);
	const uint32_t known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
	struct handle *h = handle_get(&f->handles, in->fh, r->node, HANDLE_FILE, r->class);
	struct slow_job job = {.opcode = FUSE_FALLOCATE,
			       .to_fd = -1,
			       .offset = in->offset,
			       .len = in->length,
			       .mode = (int)in->mode};

	if (!h)
		return -EBADF;
	if (in->mode & ~known)
		return -EOPNOTSUPP;
	if (in->offset > INT64_MAX || in->length > INT64_MAX)
		return -EFBIG;
	job.fd = h->fd;
	return slow_do(f, r, &job, NULL);
}

int op_lseek(struct fsd *f, struct request *r)
{
	const struct fuse_lseek_in *in = REQUEST_BODY(r, struct fuse_lseek_in);
	struct fuse_lseek_out *out = request_reply(r, sizeof(*out));
	struct handle *h = handle_get(&f->handles, in->fh, r->node, HANDLE_FILE, r->class);
	off_t at;

	if (!h)
		return -EBADF;
	/*
	 * With a writeback cache the guest has data that the file here does not, and Linux's FUSE
	 * does not write it out before it asks: what we would call a hole, `cp` would leave out.
	 * ENOSYS makes the guest answer by itself that everything is data.
	 */
	if (r->class == BROKER_CLASS_ROOT)
		return -ENOSYS;
	/* The guest asks only for these; the others it answers itself. */
	if (in->whence != SEEK_DATA && in->whence != SEEK_HOLE)
		return -EINVAL;
	at = lseek(h->fd, (off_t)in->offset, (int)in->whence);
	if (at < 0)
		return -errno;
	out->offset = (uint64_t)at;
	return 0;
}

int op_copy_file_range(struct fsd *f, struct request *r)
{
	const struct fuse_copy_file_range_in *in = REQUEST_BODY(r, struct fuse_copy_file_range_in);
	struct fuse_write_out *out = request_reply(r, sizeof(*out));
	uint32_t to_node = request_node(f, r, in->nodeid_out);
	struct handle *from = handle_get(&f->handles, in->fh_in, r->node, HANDLE_FILE, r->class);
	struct handle *to = handle_get(&f->handles, in->fh_out, to_node, HANDLE_FILE, r->class);
	struct slow_job job = {.opcode = FUSE_COPY_FILE_RANGE,
			       .offset = in->off_in,
			       .to_offset = in->off_out,
			       .len = in->len};
	uint64_t n = 0;
	int err;

	if (!from || !to)
		return -EBADF;
	if (in->flags || in->off_in > INT64_MAX || in->off_out > INT64_MAX)
		return -EINVAL;
	/* The reply has 32 bits for the length, and one request must not go on for ever. */
	if (job.len > COPY_MAX)
		job.len = COPY_MAX;
	job.fd = from->fd;
	job.to_fd = to->fd;
	err = slow_do(f, r, &job, &n);
	out->size = (uint32_t)n;
	return err;
}

int op_syncfs(struct fsd *f, struct request *r)
{
	struct slow_job job = {.opcode = FUSE_SYNCFS, .fd = -1, .to_fd = -1};

	/*
	 * nacre-init's own sync, at the container's end. By now all the guest had is in the host's
	 * page cache, and that is what a container under crun leaves behind: waiting for the disk
	 * would only make every exit slow.
	 */
	if (r->hdr.uid < PLAN_ID_BASE)
		return 0;
	return slow_do(f, r, &job, NULL);
}
