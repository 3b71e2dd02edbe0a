/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-fs: files that are open and not the guest's. See virtio_fs_core.h and include/broker.h.
 *
 * A file that was opened for reading stays open here after its RELEASE and serves the next OPEN of its node,
 * and a LOOKUP brings the file along that an OPEN is likely to ask for: each spares the guest the way to
 * nacre-fsd and back, which is most of what an OPEN takes. To the file it makes no difference: the descriptor
 * is of the same inode, which nacre-fsd's own descriptor of the node holds as well, and who may open it is
 * the guest's kernel's business (nacre-fsd opens for reading whatever it is asked to). nacre-fsd says which
 * files may be kept: none of file systems where open() or close() mean something to a server.
 *
 * One file per node at most, and the node's number says where it stands. A LOOKUP that brings another node's file
 * to that place drives it out, as an OPEN follows at once; a RELEASE only one time in four, or files that are
 * opened in turns and are more than there are places would drive each other out before any was of use: so some
 * stay, and what is not needed any more goes in the end. A file is given up when the guest forgets the node (which it does when the last name is
 * removed, so that no space stays in use), when it opens the node for writing, and with session and broker.
 *
 * Opening ahead is for nothing if no OPEN follows (`git status` and `ls` only look). So there is a credit:
 * each file that a LOOKUP brings takes one, each of them that is opened gives two. Without credit every 32nd
 * LOOKUP tries.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "virtio_fs_core.h"

#define PROBE_EVERY 32u

/* Flags of an OPEN that a file which was opened without them cannot serve. */
#define OTHER_FLAGS (O_TRUNC | O_SYNC | O_DSYNC | O_NOATIME)

/* Of the RELEASEs that find their place taken, one in so many takes it. */
#define REPLACE_EVERY 4u

/* One in so many of the descriptors that this process may have. */
#define KEPT_SHARE 8u

void fs_kept_start(void)
{
	struct rlimit files;

	fs.n_kept_places = FS_KEPT_MAX;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		files.rlim_cur = 0;
	while (fs.n_kept_places > 1 && fs.n_kept_places > files.rlim_cur / KEPT_SHARE)
		fs.n_kept_places /= 2;
	fs.ahead_credit = FS_AHEAD_CREDIT;
}

static uint32_t *place_of(uint64_t node_id)
{
	return &fs.kept[(node_id ^ node_id >> BROKER_NODE_SHIFT) % fs.n_kept_places];
}

/* The file that is kept of the node, or NULL. fs.lock held. */
static struct fs_file *kept_of(uint64_t node_id)
{
	const uint32_t *place = place_of(node_id);
	struct fs_file *f = *place ? &fs.file[*place - 1] : NULL;

	return f && f->node_id == node_id ? f : NULL;
}

void fs_kept_remove(const struct fs_file *file)
{
	if (file->kept)
		*place_of(file->node_id) = 0;
}

static void add_retired(struct fs_file *f)
{
	f->next = f->broker->retired;
	f->broker->retired = (uint32_t)(f - fs.file) + 1;
}

/* Closes a kept file. The broker, which fs_kept_flush() is to tell. fs.lock held. */
static struct fs_broker *retire(struct fs_file *f)
{
	fs_kept_remove(f);
	f->broker->slot[f->fh] = 0;
	close(f->fd);
	add_retired(f);
	return f->broker;
}

/* Puts the file in its place, where another one may stand: that one's broker, as of retire(), or NULL. */
static struct fs_broker *keep(struct fs_file *f)
{
	uint32_t *place = place_of(f->node_id);
	struct fs_broker *b = *place ? retire(&fs.file[*place - 1]) : NULL;

	f->kept = true;
	*place = (uint32_t)(f - fs.file) + 1;
	return b;
}

bool fs_kept_wanted(void)
{
	return fs.ahead_credit || ++fs.ahead_probe % PROBE_EVERY == 0;
}

bool fs_kept_open(uint64_t node_id, uint32_t class, uint32_t flags, struct fuse_open_out *out)
{
	struct fs_file *f;

	if ((flags & O_ACCMODE) != O_RDONLY || (flags & OTHER_FLAGS))
		return false;
	pthread_mutex_lock(&fs.lock);
	f = kept_of(node_id);
	if (f && f->class != class)
		f = NULL;
	if (f) {
		fs_kept_remove(f);
		f->kept = false;
		if (f->ahead && fs.ahead_credit < fs.n_kept_places)
			fs.ahead_credit += 2;
		f->ahead = false;
		*out = (struct fuse_open_out){.fh = f->fh, .open_flags = f->reply_flags};
	}
	pthread_mutex_unlock(&fs.lock);
	return f;
}

void fs_kept_add(struct fs_file *file)
{
	struct fs_broker *b;

	pthread_mutex_lock(&fs.lock);
	if (fs.ahead_credit)
		fs.ahead_credit--;
	file->ahead = true;
	b = keep(file);
	pthread_mutex_unlock(&fs.lock);
	if (b)
		fs_kept_flush(b);
}

/* Whether a file that is released may have the place of its node. fs.lock held. */
static bool may_have_place(uint64_t node_id)
{
	if (kept_of(node_id))
		return false;
	return !*place_of(node_id) || ++fs.kept_taken % REPLACE_EVERY == 0;
}

bool fs_kept_release(struct fs_broker *b, uint64_t node_id, uint64_t fh, uint32_t class)
{
	struct fs_broker *other = NULL;
	struct fs_file *f;
	bool good;

	pthread_mutex_lock(&fs.lock);
	f = fs_file_at(b, fh, class);
	/* I/O that is under way ends first, in the usual way. */
	good = f && f->may_keep && f->node_id == node_id && f->refs == 1 &&
	       may_have_place(node_id);
	if (good)
		other = keep(f);
	pthread_mutex_unlock(&fs.lock);
	if (other)
		fs_kept_flush(other);
	return good;
}

void fs_kept_drop(uint64_t node_id)
{
	struct fs_broker *b = NULL;
	struct fs_file *f;

	pthread_mutex_lock(&fs.lock);
	f = kept_of(node_id);
	if (f)
		b = retire(f);
	pthread_mutex_unlock(&fs.lock);
	if (b)
		fs_kept_flush(b);
}

void fs_kept_lost(const struct fs_request *r, uint64_t node_id, uint64_t fh)
{
	struct fs_file *f;

	fs.ahead_credit = 0;
	if (fh >= BROKER_HANDLES)
		return;
	pthread_mutex_lock(&fs.lock);
	f = fs_file_take();
	/* If there is none the handle stays open in nacre-fsd until the session ends. */
	if (f) {
		*f = (struct fs_file){.fd = -1,
				      .class = r->class,
				      .fh = (uint32_t)fh,
				      .broker = r->broker,
				      .node_id = node_id};
		add_retired(f);
	}
	pthread_mutex_unlock(&fs.lock);
	fs_kept_flush(r->broker);
}

/* The RELEASE of a file, in a packet whose other bytes are never touched. */
static struct fs_packet *release_of(const struct fs_file *f)
{
	static struct fs_packet p;
	const struct fuse_release_in in = {.fh = f->fh};

	p.broker = (struct broker_header){.class = (uint16_t)f->class};
	p.hdr = (struct fuse_in_header){.len = sizeof(p.hdr) + sizeof(in),
					.opcode = FUSE_RELEASE,
					.nodeid = f->node_id};
	memcpy(p.body, &in, sizeof(in));
	return &p;
}

void fs_kept_flush(struct fs_broker *b)
{
	/* Only this thread changes the list. */
	while (b->retired && !b->dead) {
		struct fs_file *f = &fs.file[b->retired - 1];

		/* Full: on_broker() comes back here when there is room. Lost: fs_files_reset() follows. */
		if (fs_broker_send(b, release_of(f), NULL))
			return;
		pthread_mutex_lock(&fs.lock);
		b->retired = f->next;
		fs_file_give(f);
		pthread_mutex_unlock(&fs.lock);
	}
}
