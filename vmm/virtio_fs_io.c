/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-fs: READ and WRITE. See virtio_fs_core.h.
 *
 * The device thread checks the request and hands it to a worker, which moves the data between the
 * file and guest memory, in one system call unless the host stops short. Guest memory is only named
 * to the kernel here, never looked at. A disk or a network that is slow holds up a worker, not the device thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "virtio_fs_core.h"

#define WORKER_STACK ((size_t)96 * 1024)

/* Pieces of memory in one system call: UIO_MAXIOV of Linux. */
#define PIECES_MAX 1024

#ifndef RWF_DSYNC
#define RWF_DSYNC 0x2
#define RWF_SYNC  0x4
#endif
#ifndef RWF_APPEND
#define RWF_APPEND 0x10
#endif

/*
 * What the guest's open flags, which fcntl() may have changed since, mean for one write. A cached
 * write has its place in the file already, and its own time.
 */
static int write_flags(const struct fuse_write_in *in)
{
	int flags = 0;

	if (in->write_flags & FUSE_WRITE_CACHE)
		return 0;
	if (in->flags & O_APPEND)
		flags |= RWF_APPEND;
	if ((in->flags & O_SYNC) == O_SYNC)
		flags |= RWF_SYNC;
	else if (in->flags & O_DSYNC)
		flags |= RWF_DSYNC;
	return flags;
}

struct io {
	uint64_t fh, offset;
	uint32_t size;
	int rw_flags;
	bool whole; /* all or an error; fs_request.whole */
};

/* Checks a READ or WRITE against its chain. 0 or -errno. */
static int parse(const struct chain *c, const struct fs_packet *p, struct io *io)
{
	uint64_t body_len = c->read_len - sizeof(p->hdr);
	struct fuse_write_in w;
	struct fuse_read_in r;

	if (p->hdr.opcode == FUSE_READ) {
		if (body_len != sizeof(r))
			return -EINVAL;
		memcpy(&r, p->body, sizeof(r));
		*io = (struct io){.fh = r.fh, .offset = r.offset, .size = r.size, .whole = true};
		if (!range_fits(sizeof(struct fuse_out_header), io->size, c->write_len))
			return -EINVAL;
	} else {
		if (body_len < sizeof(w))
			return -EINVAL;
		memcpy(&w, p->body, sizeof(w));
		*io = (struct io){.fh = w.fh,
				  .offset = w.offset,
				  .size = w.size,
				  .rw_flags = write_flags(&w),
				  .whole = w.write_flags & FUSE_WRITE_CACHE};
		if (io->size != body_len - sizeof(w) ||
		    c->write_len < sizeof(struct fuse_out_header) + sizeof(struct fuse_write_out))
			return -EINVAL;
	}
	/* The session's max_write bounds both; a guest that ignores it must not hold a worker. */
	if (io->size > FS_WRITE_MAX || io->offset > (uint64_t)INT64_MAX - io->size)
		return -EINVAL;
	return 0;
}

/*
 * One WRITE of a file at a time: the host's file systems let one writer at an inode, and a second
 * worker would only wait for the first, while the device thread or another file could have its
 * processor. So a WRITE waits at its file, and no worker is woken for it.
 */
static void add_job(struct fs_request *r)
{
	const bool writes = r->opcode == FUSE_WRITE;
	bool waits;

	pthread_mutex_lock(&fs.lock);
	waits = writes && r->file->writing;
	if (waits) {
		fs_list_push(&r->file->writes, r);
	} else {
		r->file->writing = r->file->writing || writes;
		fs_list_push(&fs.jobs, r);
	}
	pthread_mutex_unlock(&fs.lock);
	/* Behind the lock, which is the first that a worker takes. */
	if (!waits)
		pthread_cond_signal(&fs.work);
}

int fs_serve_io(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
		const struct fs_packet *p)
{
	struct fs_broker *b = fs_broker_of_node(p->hdr.nodeid);
	struct fs_request *r;
	struct fs_file *file;
	struct io io;
	int err = parse(c, p, &io);

	if (err)
		return fs_answer(dev, q, c, p->hdr.unique, err, NULL, 0);
	r = fs_request_take(dev, (uint32_t)(q - dev->queue), c, &p->hdr);
	if (!r)
		return 1;
	file = fs_file_get(b, io.fh, r->class);
	if (!file) {
		fs_request_untake(r);
		return fs_answer(dev, q, c, p->hdr.unique, -EBADF, NULL, 0);
	}
	r->broker = b;
	r->file = file;
	r->offset = io.offset;
	r->size = io.size;
	r->rw_flags = io.rw_flags;
	r->whole = io.whole;
	r->state = FS_JOB;
	add_job(r);
	return 0;
}

/*
 * One system call, for what lies behind the first `done` bytes: for all of it (*len), unless it lies in more pieces
 * than Linux ever sends or takes at once; then for a part. Bytes moved or -errno.
 */
static ssize_t transfer_rest(const struct fs_request *r, uint32_t done, uint32_t *len)
{
	const bool is_read = r->opcode == FUSE_READ;
	const uint64_t at = is_read ? sizeof(struct fuse_out_header)
				    : sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in);
	struct iovec iov[PIECES_MAX];
	long moved;
	int n;

	*len = r->size - done;
	while ((n = chain_iov(&r->chain, r->dev->mem, is_read, at + done, *len, iov, PIECES_MAX)) < 0 &&
	       *len > 1)
		*len /= 2;
	if (n <= 0)
		return n;
	/* The offset in two halves: the kernel puts them together on 32 bits only. */
	moved = syscall(is_read ? SYS_preadv2 : SYS_pwritev2, r->file->fd, iov, n,
			(long)(r->offset + done), 0L, r->rw_flags);
	return moved < 0 ? -errno : moved;
}

/*
 * Bytes moved or -errno. The host stops short where an error comes next, and says which when asked
 * for the rest. Linux wants to hear it:
 * - after a READ it takes what is missing for the file's end (fuse_short_read(): pages of zeroes);
 * - of cached pages it looks at the error alone (fuse_writepage_end()): what a full disk did not
 *   take would count as written. What was written before the error stays.
 * Other writes hand the count to write(), whose caller goes on by itself.
 */
static ssize_t transfer(const struct fs_request *r)
{
	uint32_t done = 0, len;
	ssize_t n;

	do {
		n = transfer_rest(r, done, &len);
		if (n < 0)
			return done && !r->whole ? (ssize_t)done : n;
		done += (uint32_t)n;
	} while (n > 0 && done < r->size && (r->whole || n == (ssize_t)len));
	if (r->whole && r->opcode == FUSE_WRITE && done < r->size)
		return -EIO;
	return done;
}

/*
 * A WRITE is answered: the next one of its file takes its place behind the other jobs. True when that is
 * the very next job, and the guest can hear of both at once: to wake a processor takes as long as to write
 * 100 KiB. Only of cached pages, as nobody waits for a part of them, for one WRITE, no longer, and in one queue,
 * as each has an interrupt of its own.
 */
static bool end_write(struct fs_file *file, uint32_t queue, bool may_wait)
{
	struct fs_request *r;
	bool waits = false;

	pthread_mutex_lock(&fs.lock);
	r = fs_list_pop(&file->writes);
	file->writing = r;
	if (r) {
		/* This thread is about to look, and takes the first. */
		if (fs.jobs.first)
			pthread_cond_signal(&fs.work);
		else
			waits = may_wait && r->whole && r->queue == queue;
		r->tells = waits;
		fs_list_push(&fs.jobs, r);
	}
	pthread_mutex_unlock(&fs.lock);
	return waits;
}

/* The request is the guest's again, and r gone. The interrupt comes later. */
static void answer(struct fs_request *r, ssize_t n)
{
	struct fuse_write_out out = {.size = n > 0 ? (uint32_t)n : 0};

	if (n < 0)
		fs_request_complete(r, (int)n, NULL, 0);
	else if (r->opcode == FUSE_READ)
		fs_request_complete(r, 0, NULL, (size_t)n); /* the data lies there already */
	else
		fs_request_complete(r, 0, &out, sizeof(out));
}

/* A RELEASE that waited for the file is the device thread's to send. */
static void put_file(const struct virtio_dev *dev, uint32_t queue, struct fs_file *file)
{
	uint64_t one = 1;

	if (fs_file_put(file))
		(void)!write(dev->kick[queue].fd, &one, sizeof(one));
}

static void run(struct fs_request *r)
{
	const bool is_read = r->opcode == FUSE_READ, may_wait = r->whole && !r->tells;
	struct virtio_dev *dev = r->dev;
	struct fs_file *file = r->file;
	uint32_t queue = r->queue;
	ssize_t n = transfer(r);
	bool waits = false;

	/* The guest that has its answer may release the file, which is kept if nobody reads any more. */
	if (is_read)
		put_file(dev, queue, file);
	answer(r, n);
	if (!is_read) {
		/* Behind the answer, which the next one's interrupt may tell of. */
		waits = end_write(file, queue, may_wait);
		put_file(dev, queue, file);
	}
	if (!waits)
		fs_interrupt(dev, queue);
}

static void (*confine_worker)(void);

static void *work(void *arg)
{
	(void)arg;
	confine_worker();
	for (;;) {
		struct fs_request *r;

		pthread_mutex_lock(&fs.lock);
		while (!(r = fs_list_pop(&fs.jobs)))
			pthread_cond_wait(&fs.work, &fs.lock);
		pthread_mutex_unlock(&fs.lock);
		run(r);
	}
	return NULL;
}

int virtio_fs_start_workers(void (*confine)(void))
{
	pthread_attr_t attr;
	sigset_t all, old;
	int r;

	confine_worker = confine;
	fs_kept_start();
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* No signal is a worker's, SIGXFSZ (a write past RLIMIT_FSIZE: EFBIG then) least of all. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned int i = 0; i < FS_WORKERS; i++) {
		pthread_t thread;

		r = pthread_create(&thread, &attr, work, NULL);
		if (r)
			break;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}
