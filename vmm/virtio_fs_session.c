/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-fs: what the VMM answers itself. See virtio_fs_core.h.
 *
 * INIT settles what a session may do. Node 1 is a directory with one entry per container, so that
 * one device serves all containers of a VM; it belongs to none of them, and nothing in it can be
 * changed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plan.h"
#include "virtio_fs_core.h"

#define PROTOCOL_MINOR 36u
/* Seconds that the guest may believe what node 1 says; a pod's containers come and go. */
#define TOP_VALID_S 1u

/*
 * What a session of either class has, if the guest offers it.
 *
 * DONT_MASK, POSIX_ACL, SETXATTR_EXT: nacre-fsd does it, see there.
 * No ATOMIC_O_TRUNC: Linux then truncates twice, the file with OPEN and a moment later, when others may have
 * written to it or made it longer, its own idea of the size alone (fs/fuse/dir.c, fuse_setattr() with
 * ATTR_OPEN): with a write-back cache it stays wrong. Without, it sends a SETATTR under the inode's lock.
 * HANDLE_KILLPRIV_V2: the host's kernel takes set-user-id bits off when this process, which has no
 * capability, writes, also where the WRITE does not ask for it. That is right for all but one: the
 * guest's kernel looks for CAP_FSETID in its first user namespace, where no process of a container
 * has it, so each WRITE asks but those of cached pages; and those are sent before a SETATTR with a
 * mode, so they meet no bits that came after them. Left is a mapping that is written to after the
 * chmod(): the bits are lost there, and under Linux they would stay.
 * No POSIX_LOCKS or FLOCK_LOCKS: locks are the guest's own. No EXPORT_SUPPORT: no "..".
 */
static const uint64_t wanted = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_MAX_PAGES |
			       FUSE_PARALLEL_DIROPS | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO |
			       FUSE_DONT_MASK | FUSE_POSIX_ACL |
			       FUSE_HANDLE_KILLPRIV_V2 | FUSE_CACHE_SYMLINKS | FUSE_ASYNC_DIO |
			       FUSE_SETXATTR_EXT | FUSE_INIT_EXT;

/*
 * Others write to volumes: what was read is checked against them, and what is written goes through.
 */
static const uint64_t wanted_by_class[BROKER_CLASS_COUNT] = {
	[BROKER_CLASS_ROOT] = FUSE_WRITEBACK_CACHE,
	[BROKER_CLASS_VOLUME] = FUSE_AUTO_INVAL_DATA,
};

void fs_end_session(struct fs_device *d)
{
	uint32_t class = (uint32_t)(d - fs.device);

	d->session++;
	d->initialized = false;
	for (uint32_t i = 0; i < fs.n_brokers; i++) {
		struct fs_broker *b = &fs.broker[i];

		if (!b->used || b->dead)
			continue;
		b->reset_due[class] = true;
		fs_files_reset(b, class);
	}
	fs_brokers_flush();
}

int fs_serve_init(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
		  const struct fs_packet *p)
{
	struct fs_device *d = fs_device_of(dev);
	uint32_t class = (uint32_t)(d - fs.device);
	struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = PROTOCOL_MINOR};
	struct fuse_init_in in = {0};
	size_t len = p->hdr.len - sizeof(p->hdr);
	uint64_t flags;

	/* Kernels before 5.17 send the first four fields only. */
	if (len < offsetof(struct fuse_init_in, flags2))
		return fs_answer(dev, q, c, p->hdr.unique, -EINVAL, NULL, 0);
	memcpy(&in, p->body, len < sizeof(in) ? len : sizeof(in));
	/* A newer kernel asks again with the version that it reads here. */
	if (in.major > FUSE_KERNEL_VERSION)
		return fs_answer(dev, q, c, p->hdr.unique, 0, &out, sizeof(out));
	flags = in.flags;
	if (flags & FUSE_INIT_EXT)
		flags |= (uint64_t)in.flags2 << 32;
	/* nacre-fsd knows one layout of each request: that of PROTOCOL_MINOR, with SETXATTR_EXT. */
	if (in.major < FUSE_KERNEL_VERSION || in.minor < PROTOCOL_MINOR ||
	    !(flags & FUSE_SETXATTR_EXT))
		return fs_answer(dev, q, c, p->hdr.unique, -EPROTO, NULL, 0);
	if (d->initialized)
		fs_end_session(d);
	d->initialized = true;
	flags &= wanted | wanted_by_class[class];
	out.flags = (uint32_t)flags;
	out.flags2 = (uint32_t)(flags >> 32);
	out.max_readahead = in.max_readahead < FS_WRITE_MAX ? in.max_readahead : FS_WRITE_MAX;
	out.max_background = 64;
	out.congestion_threshold = 48;
	out.max_write = FS_WRITE_MAX;
	out.max_pages = FS_PAGES_MAX;
	out.time_gran = 1;
	return fs_answer(dev, q, c, p->hdr.unique, 0, &out, sizeof(out));
}

static struct fuse_attr directory_attr(uint64_t ino, uint32_t owner)
{
	return (struct fuse_attr){.ino = ino,
				  .mode = S_IFDIR | 0555,
				  .nlink = 2,
				  .uid = owner,
				  .gid = owner,
				  .blksize = 4096};
}

static struct fuse_entry_out container_entry(uint32_t container)
{
	/* nacre-fsd's root: not counted there, as it always exists. */
	uint64_t node_id = broker_root_node(container);

	return (struct fuse_entry_out){.nodeid = node_id,
				       .entry_valid = TOP_VALID_S,
				       .attr_valid = TOP_VALID_S,
				       .attr = directory_attr(node_id, PLAN_ID_BASE)};
}

/* The name must be the container's number as we would write it. */
static int lookup(const struct fs_packet *p, struct fuse_entry_out *out)
{
	size_t len = p->hdr.len - sizeof(p->hdr);
	struct fs_broker *b;
	char name[16], canonical[16];
	unsigned long n;

	if (len == 0 || p->body[len - 1] != 0)
		return -EINVAL;
	if (len > sizeof(name))
		return -ENOENT;
	memcpy(name, p->body, len);
	n = strtoul(name, NULL, 10);
	if (n >= UINT32_MAX)
		return -ENOENT;
	snprintf(canonical, sizeof(canonical), "%lu", n);
	b = fs_broker_from((uint32_t)n);
	if (!b || b->container != n || strcmp(name, canonical) != 0)
		return -ENOENT;
	*out = container_entry(b->container);
	return 0;
}

/* Appends one entry to buf; the new length, or the old when it does not fit. */
static size_t add_entry(uint8_t *buf, size_t at, size_t limit, bool plus, uint64_t off,
			const char *name, const struct fuse_entry_out *entry)
{
	size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
	size_t len = FUSE_REC_ALIGN(head + strlen(name));
	struct fuse_dirent d = {.ino = entry->attr.ino,
				.off = off,
				.type = DT_DIR,
				.namelen = (uint32_t)strlen(name)};

	if (len > limit - at)
		return at;
	memset(buf + at, 0, len);
	if (plus)
		memcpy(buf + at, entry, sizeof(*entry));
	memcpy(buf + at + head - FUSE_NAME_OFFSET, &d, FUSE_NAME_OFFSET);
	memcpy(buf + at + head, name, d.namelen);
	return at + len;
}

/* The cookie of an entry: 1 and 2 are the dots, a container's is its number plus 3. */
static int serve_readdir(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
			 const struct fs_packet *p)
{
	static uint8_t buf[4096];
	const bool plus = p->hdr.opcode == FUSE_READDIRPLUS;
	struct fuse_entry_out dot = {.attr.ino = FUSE_ROOT_ID};
	struct fuse_read_in in;
	size_t len = 0, limit;
	uint64_t at;

	if (p->hdr.len < sizeof(p->hdr) + sizeof(in))
		return fs_answer(dev, q, c, p->hdr.unique, -EINVAL, NULL, 0);
	memcpy(&in, p->body, sizeof(in));
	limit = in.size < sizeof(buf) ? in.size : sizeof(buf);
	for (at = in.offset; at < (uint64_t)UINT32_MAX + 2; at++) {
		struct fs_broker *b = at < 2 ? NULL : fs_broker_from((uint32_t)(at - 2));
		struct fuse_entry_out entry = dot;
		char name[16] = "..";
		size_t grown;

		if (at < 2) {
			name[1] = at ? '.' : 0;
		} else if (!b) {
			break;
		} else {
			at = (uint64_t)b->container + 2;
			entry = container_entry(b->container);
			snprintf(name, sizeof(name), "%u", b->container);
		}
		grown = add_entry(buf, len, limit, plus, at + 1, name, &entry);
		if (grown == len)
			break;
		len = grown;
	}
	return fs_answer(dev, q, c, p->hdr.unique, 0, buf, len);
}

/*
 * SYNCFS comes for the root of the guest's superblock, which is node 1, and means every container.
 * They are asked one after the other, with one tag; virtio_fs_broker.c goes on to the next.
 */
static int serve_syncfs(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
			const struct fs_packet *p)
{
	struct fs_broker *b = fs_broker_from(0);
	struct fs_request *r;
	struct fs_packet *msg;

	if (!b || p->hdr.len != sizeof(p->hdr) + sizeof(struct fuse_syncfs_in))
		return fs_answer(dev, q, c, p->hdr.unique, b ? -EINVAL : 0, NULL, 0);
	r = fs_request_take(dev, (uint32_t)(q - dev->queue), c, &p->hdr);
	if (!r)
		return 1;
	r->msg_len = (uint32_t)(sizeof(p->broker) + p->hdr.len);
	memcpy(r->msg, p, r->msg_len);
	msg = (struct fs_packet *)(void *)r->msg;
	msg->hdr.nodeid = broker_root_node(b->container);
	fs_broker_queue(b, r);
	return 0;
}

static bool would_change(uint32_t opcode)
{
	static const uint32_t changes[] = {
		FUSE_SETATTR, FUSE_MKDIR,  FUSE_MKNOD,   FUSE_SYMLINK, FUSE_LINK,    FUSE_UNLINK,
		FUSE_RMDIR,   FUSE_RENAME, FUSE_RENAME2, FUSE_CREATE,  FUSE_TMPFILE,
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (changes[i] == opcode)
			return true;
	}
	return false;
}

int fs_serve_top(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
		 const struct fs_packet *p)
{
	union {
		struct fuse_entry_out entry;
		struct fuse_attr_out attr;
		struct fuse_open_out open;
		struct fuse_statfs_out statfs;
	} out = {0};
	size_t len = 0;
	int err = 0;

	switch (p->hdr.opcode) {
	case FUSE_LOOKUP:
		err = lookup(p, &out.entry);
		len = sizeof(out.entry);
		break;
	case FUSE_GETATTR:
		out.attr.attr_valid = TOP_VALID_S;
		out.attr.attr = directory_attr(FUSE_ROOT_ID, 0);
		len = sizeof(out.attr);
		break;
	case FUSE_OPENDIR:
		len = sizeof(out.open);
		break;
	case FUSE_STATFS:
		out.statfs.st.namelen = 255;
		out.statfs.st.bsize = out.statfs.st.frsize = 4096;
		len = sizeof(out.statfs);
		break;
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return serve_readdir(dev, q, c, p);
	case FUSE_SYNCFS:
		return serve_syncfs(dev, q, c, p);
	case FUSE_ACCESS:
	case FUSE_RELEASEDIR:
	case FUSE_FSYNCDIR:
		break;
	case FUSE_GETXATTR:
		/*
		 * Not EOPNOTSUPP: the guest's kernel asks for ACLs when it checks permissions, and
		 * takes that as a failure of the check.
		 */
		err = -ENODATA;
		break;
	case FUSE_LISTXATTR:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
		/* Not ENOSYS, which the guest would take as true of all nodes. */
		err = -EOPNOTSUPP;
		break;
	default:
		err = would_change(p->hdr.opcode) ? -EROFS : -ENOSYS;
	}
	return fs_answer(dev, q, c, p->hdr.unique, err, &out, len);
}
