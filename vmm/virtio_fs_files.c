/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-fs: the descriptors that nacre-fsd donated. See virtio_fs_core.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "virtio_fs_core.h"

/*
 * Is this what was asked for? A regular file: I/O on anything else could block a worker for ever or
 * act on the host. Not O_PATH, not O_APPEND (pwritev would ignore its offset), and open for at
 * least what the guest asked (nacre-fsd opens write-only files for reading too where pages are
 * cached).
 */
static bool is_acceptable(int fd, uint32_t open_flags)
{
	struct stat st;
	int have, flags = fcntl(fd, F_GETFL);
	int want = (int)(open_flags & O_ACCMODE);

	if (flags < 0 || (flags & (O_PATH | O_APPEND)) || fstat(fd, &st) < 0 ||
	    !S_ISREG(st.st_mode))
		return false;
	have = flags & O_ACCMODE;
	return have == O_RDWR || have == want;
}

struct fs_file *fs_file_take(void)
{
	struct fs_file *f;

	if (fs.free_file) {
		f = &fs.file[fs.free_file - 1];
		fs.free_file = f->next;
		return f;
	}
	return fs.n_files < FS_FILES_MAX ? &fs.file[fs.n_files++] : NULL;
}

void fs_file_give(struct fs_file *f)
{
	f->next = fs.free_file;
	fs.free_file = (uint32_t)(f - fs.file) + 1;
}

/* Drops a reference, fs.lock held. True when a RELEASE was queued. */
static bool put(struct fs_file *f)
{
	struct fs_request *r;

	if (--f->refs)
		return false;
	close(f->fd);
	fs_file_give(f);
	if (!f->release)
		return false;
	r = &fs.request[f->release - 1];
	r->state = FS_QUEUED;
	fs_list_push(&r->broker->to_send, r);
	return true;
}

/* Takes the file out of its slot. fs.lock held. */
static void leave_slot(struct fs_broker *b, uint64_t fh)
{
	struct fs_file *f = &fs.file[b->slot[fh] - 1];

	b->slot[fh] = 0;
	fs_kept_remove(f);
	put(f);
}

int fs_file_enter(const struct fs_request *r, uint64_t node_id, const struct fuse_open_out *open, int fd,
		  struct fs_file **file)
{
	struct fs_broker *b = r->broker;
	const uint64_t fh = open->fh;
	struct fs_file *f;

	if (fh >= BROKER_HANDLES || !is_acceptable(fd, r->open_flags)) {
		close(fd);
		return -EIO;
	}
	pthread_mutex_lock(&fs.lock);
	f = fs_file_take();
	if (f) {
		*f = (struct fs_file){.fd = fd,
				      .refs = 1,
				      .class = r->class,
				      .fh = (uint32_t)fh,
				      .broker = b,
				      .node_id = node_id,
				      .reply_flags = open->open_flags,
				      .may_keep = (open->padding & BROKER_MAY_KEEP) &&
						  (r->open_flags & O_ACCMODE) == O_RDONLY};
		if (b->slot[fh]) /* nacre-fsd gave a number twice: the new one counts */
			leave_slot(b, fh);
		b->slot[fh] = (uint32_t)(f - fs.file) + 1;
		if (fh >= b->n_slots)
			b->n_slots = (uint32_t)fh + 1;
	}
	pthread_mutex_unlock(&fs.lock);
	*file = f;
	if (f)
		return 0;
	close(fd);
	return -ENFILE;
}

struct fs_file *fs_file_at(struct fs_broker *b, uint64_t fh, uint32_t class)
{
	struct fs_file *f;

	if (fh >= b->n_slots || !b->slot[fh])
		return NULL;
	f = &fs.file[b->slot[fh] - 1];
	return f->class == class && !f->kept ? f : NULL;
}

struct fs_file *fs_file_get(struct fs_broker *b, uint64_t fh, uint32_t class)
{
	struct fs_file *f;

	pthread_mutex_lock(&fs.lock);
	f = fs_file_at(b, fh, class);
	if (f)
		f->refs++;
	pthread_mutex_unlock(&fs.lock);
	return f;
}

bool fs_file_put(struct fs_file *file)
{
	bool queued;

	pthread_mutex_lock(&fs.lock);
	queued = put(file);
	pthread_mutex_unlock(&fs.lock);
	return queued;
}

void fs_file_forget_release(struct fs_file *file)
{
	file->release = 0;
}

bool fs_file_release(struct fs_broker *b, uint64_t fh, uint32_t class, struct fs_request *r)
{
	bool waits = false;
	struct fs_file *f;

	pthread_mutex_lock(&fs.lock);
	f = fs_file_at(b, fh, class);
	if (f) {
		b->slot[fh] = 0;
		waits = f->refs > 1;
		if (waits) {
			r->state = FS_WAITING;
			r->file = f;
			f->release = (uint32_t)(r - fs.request) + 1;
		}
		put(f);
	}
	pthread_mutex_unlock(&fs.lock);
	return waits;
}

/* Forgets the RELEASEs that are still to be sent: nacre-fsd is told to drop all handles. fs.lock held. */
static void forget_retired(struct fs_broker *b, uint32_t class)
{
	uint32_t *link = &b->retired;

	while (*link) {
		struct fs_file *f = &fs.file[*link - 1];

		if (class != BROKER_CLASS_COUNT && f->class != class) {
			link = &f->next;
			continue;
		}
		*link = f->next;
		fs_file_give(f);
	}
}

void fs_files_reset(struct fs_broker *b, uint32_t class)
{
	pthread_mutex_lock(&fs.lock);
	forget_retired(b, class);
	for (uint32_t i = 0; i < b->n_slots; i++) {
		const struct fs_file *f = b->slot[i] ? &fs.file[b->slot[i] - 1] : NULL;

		if (f && (class == BROKER_CLASS_COUNT || f->class == class))
			leave_slot(b, i);
	}
	pthread_mutex_unlock(&fs.lock);
}
