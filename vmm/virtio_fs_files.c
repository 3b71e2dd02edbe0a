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

/* fs.lock held. NULL when the table is full. */
static struct fs_file *take_file(void)
{
	struct fs_file *f;

	if (fs.free_file) {
		f = &fs.file[fs.free_file - 1];
		fs.free_file = f->next;
		return f;
	}
	return fs.n_files < FS_FILES_MAX ? &fs.file[fs.n_files++] : NULL;
}

/* Drops a reference, fs.lock held. True when a RELEASE was queued. */
static bool put(struct fs_file *f)
{
	struct fs_request *r;

	if (--f->refs)
		return false;
	close(f->fd);
	f->next = fs.free_file;
	fs.free_file = (uint32_t)(f - fs.file) + 1;
	if (!f->release)
		return false;
	r = &fs.request[f->release - 1];
	r->state = FS_QUEUED;
	fs_list_push(&r->broker->to_send, r);
	return true;
}

int fs_file_enter(struct fs_broker *b, uint64_t fh, int fd, uint32_t class, uint32_t open_flags)
{
	struct fs_file *f;

	if (fh >= BROKER_HANDLES || !is_acceptable(fd, open_flags)) {
		close(fd);
		return -EIO;
	}
	pthread_mutex_lock(&fs.lock);
	f = take_file();
	if (f) {
		*f = (struct fs_file){.fd = fd, .refs = 1, .class = class};
		if (b->slot[fh]) /* nacre-fsd gave a number twice: the new one counts */
			put(&fs.file[b->slot[fh] - 1]);
		b->slot[fh] = (uint32_t)(f - fs.file) + 1;
		if (fh >= b->n_slots)
			b->n_slots = (uint32_t)fh + 1;
	}
	pthread_mutex_unlock(&fs.lock);
	if (f)
		return 0;
	close(fd);
	return -ENFILE;
}

/* The file in a slot, fs.lock held. */
static struct fs_file *file_at(struct fs_broker *b, uint64_t fh, uint32_t class)
{
	struct fs_file *f;

	if (fh >= b->n_slots || !b->slot[fh])
		return NULL;
	f = &fs.file[b->slot[fh] - 1];
	return f->class == class ? f : NULL;
}

struct fs_file *fs_file_get(struct fs_broker *b, uint64_t fh, uint32_t class)
{
	struct fs_file *f;

	pthread_mutex_lock(&fs.lock);
	f = file_at(b, fh, class);
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
	f = file_at(b, fh, class);
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

void fs_files_reset(struct fs_broker *b, uint32_t class)
{
	pthread_mutex_lock(&fs.lock);
	for (uint32_t i = 0; i < b->n_slots; i++) {
		struct fs_file *f = b->slot[i] ? &fs.file[b->slot[i] - 1] : NULL;

		if (!f || (class != BROKER_CLASS_COUNT && f->class != class))
			continue;
		b->slot[i] = 0;
		put(f);
	}
	pthread_mutex_unlock(&fs.lock);
}
