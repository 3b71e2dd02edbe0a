/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories: OPENDIR, READDIR, READDIRPLUS, RELEASEDIR, FSYNCDIR. See request.h.
 *
 * The offset in an entry is the host's d_off, a cookie that lseek() takes back. Guests read 4 KiB
 * at a time, in order; getdents64 fills a larger window, from which the next requests are served.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "request.h"
#include "slow.h"

/* Handle of a directory that exists only here: it needs no state. */
#define SYNTHETIC_FH ((uint64_t)BROKER_HANDLES)

/* One entry on its way to the guest. */
struct entry {
	uint64_t ino;
	int64_t off; /* cookie of the entry after it */
	uint8_t type;
	const char *name;
};

int op_opendir(struct fsd *f, struct request *r)
{
	struct fuse_open_out *out = request_reply(r, sizeof(*out));
	int fd, err;

	/* No FOPEN_CACHE_DIR: what is added from outside shall be listed at once. */
	if (node_is_synthetic(&f->nodes, r->node)) {
		out->fh = SYNTHETIC_FH;
		return 0;
	}
	fd = node_fd(&f->nodes, r->node);
	if (fd < 0)
		return fd;
	err = handle_make_room(&f->handles);
	if (err)
		return err;
	fd = open_through_proc(f, fd, S_IFDIR, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	out->fh = handle_add(&f->handles, fd, r->node, HANDLE_DIR, r->class);
	return 0;
}

void dir_forget_window(struct fsd *f, const struct handle *h)
{
	for (unsigned int i = 0; i < DIR_WINDOWS; i++) {
		if (f->window[i].handle == h)
			f->window[i].handle = NULL;
	}
}

int op_releasedir(struct fsd *f, struct request *r)
{
	const struct fuse_release_in *in = REQUEST_BODY(r, struct fuse_release_in);
	struct handle *h;

	if (node_is_synthetic(&f->nodes, r->node))
		return 0;
	h = handle_get(&f->handles, in->fh, r->node, HANDLE_DIR, r->class);
	if (!h)
		return -EBADF;
	dir_forget_window(f, h);
	handle_close(&f->handles, h);
	return 0;
}

int op_fsyncdir(struct fsd *f, struct request *r)
{
	const struct fuse_fsync_in *in = REQUEST_BODY(r, struct fuse_fsync_in);
	struct slow_job job = {.opcode = FUSE_FSYNCDIR,
			       .to_fd = -1,
			       .mode = in->fsync_flags & FUSE_FSYNC_FDATASYNC};
	struct handle *h;

	if (node_is_synthetic(&f->nodes, r->node))
		return 0;
	h = handle_get(&f->handles, in->fh, r->node, HANDLE_DIR, r->class);
	if (!h)
		return -EBADF;
	job.fd = h->fd;
	return slow_do(f, r, &job, NULL);
}

/* The window that holds the entry at cookie `off` of h, else the one to fill. */
static struct dir_window *pick_window(struct fsd *f, const struct handle *h, int64_t off)
{
	struct dir_window *oldest = &f->window[0];

	for (unsigned int i = 0; i < DIR_WINDOWS; i++) {
		struct dir_window *w = &f->window[i];

		if (w->handle == h && w->next == off && off != 0 && w->at < w->len)
			return w;
		if (!w->handle || f->window_clock - w->used > f->window_clock - oldest->used)
			oldest = w;
	}
	dir_forget_window(f, h);
	oldest->handle = NULL;
	return oldest;
}

/* Reads entries from cookie `off` on into w. Bytes, 0 at the end, or -errno. */
static ssize_t fill_window(struct dir_window *w, struct handle *h, int64_t off)
{
	ssize_t n;

	if (h->pos != off || off == 0) {
		if (lseek(h->fd, off, SEEK_SET) < 0)
			return -errno;
		h->pos = off;
	}
	n = sys_getdents(h->fd, w->bytes, sizeof(w->bytes));
	if (n < 0)
		return n;
	/* fd stands behind the window; until that is used up its position is of no use. */
	h->pos = -1;
	w->handle = n ? h : NULL;
	w->at = 0;
	w->len = (uint32_t)n;
	w->next = off;
	return n;
}

/* The entry at w->at, without moving on. */
static struct entry window_entry(const struct dir_window *w)
{
	const struct sys_dirent *d = (const void *)(w->bytes + w->at);

	return (struct entry){.ino = d->ino, .off = d->off, .type = d->type, .name = d->name};
}

static void window_step(struct dir_window *w, struct handle *h)
{
	const struct sys_dirent *d = (const void *)(w->bytes + w->at);

	w->at += d->reclen;
	w->next = d->off;
	if (w->at >= w->len)
		h->pos = d->off;
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/*
 * Adds an entry to the reply unless it would grow beyond `limit`; then false. In a READDIRPLUS the
 * entry is looked up first, and only here, where it is sure to fit: each counted lookup reaches the
 * guest. One that cannot be looked up (gone, refused) is listed by name alone, nodeid 0.
 */
static bool add_entry(struct fsd *f, struct request *r, size_t limit, bool plus,
		      const struct entry *e)
{
	size_t name_len = strlen(e->name);
	size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	size_t len = FUSE_REC_ALIGN(head + name_len);
	struct fuse_dirent *d;
	uint8_t *at;

	if (len > limit - r->out_len)
		return false;
	at = request_reply(r, len);
	if (!at)
		return false;
	d = (void *)(plus ? at + offsetof(struct fuse_direntplus, dirent) : at);
	d->ino = e->ino;
	d->off = (uint64_t)e->off;
	d->namelen = (uint32_t)name_len;
	d->type = e->type;
	memcpy(d->name, e->name, name_len);
	if (!plus || is_dot(e->name))
		return true;
	node_fds_begin(&f->nodes);
	if (lookup_entry(f, r, r->node, e->name, (struct fuse_entry_out *)(void *)at))
		memset(at, 0, sizeof(struct fuse_entry_out));
	return true;
}

/* Entries of the broker's root or of `mounts`; the cookie is their index plus 1. */
static int read_synthetic(struct fsd *f, struct request *r, uint64_t off, size_t limit, bool plus)
{
	uint64_t n = r->node == NODE_TOP ? 1 : f->exports.n_exports - 1;
	char name[12];

	for (uint64_t i = off; i < n + 2; i++) {
		struct entry e = {.ino = r->node, .off = (int64_t)i + 1, .type = DT_DIR};

		if (i < 2) {
			e.name = i ? ".." : ".";
		} else if (r->node == NODE_TOP) {
			e.name = r->class == BROKER_CLASS_ROOT ? "root" : "mounts";
		} else {
			uint32_t v = node_of_export((uint16_t)(i - 1));

			snprintf(name, sizeof(name), "%u", (unsigned int)(i - 2));
			e.name = name;
			e.ino = v;
			e.type = node_is_dir(&f->nodes, v) ? DT_DIR : DT_REG;
		}
		if (!add_entry(f, r, limit, plus, &e))
			break;
	}
	return 0;
}

static int read_host(struct fsd *f, struct request *r, const struct fuse_read_in *in, size_t limit,
		     bool plus)
{
	struct handle *h = handle_get(&f->handles, in->fh, r->node, HANDLE_DIR, r->class);
	uint64_t mount_bits = (uint64_t)node_at(&f->nodes, r->node)->mount << 48;
	bool is_root = node_at(&f->nodes, r->node)->flags & NODE_PERMANENT;
	struct dir_window *w;

	if (!h)
		return -EBADF;
	w = pick_window(f, h, (int64_t)in->offset);
	if (!w->handle) {
		ssize_t n = fill_window(w, h, (int64_t)in->offset);

		if (n <= 0)
			return (int)n;
	}
	w->used = ++f->window_clock;
	for (;;) {
		struct entry e = window_entry(w);
		ssize_t n;

		/* As attr_fill() has it. What is above an export is nobody's business. */
		e.ino ^= mount_bits;
		if (is_root && !strcmp(e.name, ".."))
			e.ino = node_at(&f->nodes, r->node)->ino ^ mount_bits;
		if (!add_entry(f, r, limit, plus, &e))
			return r->out_len ? 0 : -EINVAL;
		window_step(w, h);
		if (w->at < w->len)
			continue;
		n = fill_window(w, h, w->next);
		if (n <= 0)
			return 0;
	}
}

static int read_entries(struct fsd *f, struct request *r, bool plus)
{
	const struct fuse_read_in *in = REQUEST_BODY(r, struct fuse_read_in);
	size_t limit = in->size < REPLY_BODY_MAX ? in->size : REPLY_BODY_MAX;

	if (in->offset > INT64_MAX)
		return -EINVAL;
	if (node_is_synthetic(&f->nodes, r->node))
		return read_synthetic(f, r, in->offset, limit, plus);
	return read_host(f, r, in, limit, plus);
}

int op_readdir(struct fsd *f, struct request *r)
{
	return read_entries(f, r, false);
}

int op_readdirplus(struct fsd *f, struct request *r)
{
	return read_entries(f, r, true);
}
