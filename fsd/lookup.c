/* SPDX-License-Identifier: Apache-2.0 */
/* From names to nodes: LOOKUP, FORGET, and what the guest may keep for how long. See request.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "request.h"

/*
 * How long the guest may believe an entry and its attributes, in seconds.
 *
 * root: nobody but the guest is expected to change it. A name that is *not* there is asked for each
 * time all the same, because `podman cp` and its like add files to a running container's root from
 * outside, and those must be seen at once.
 * volume: others write to it too.
 */
static const uint64_t valid_s[BROKER_CLASS_COUNT] = {
	[BROKER_CLASS_ROOT] = 86400,
	[BROKER_CLASS_VOLUME] = 1,
};

uint64_t entry_valid_s(enum broker_class class)
{
	return valid_s[class];
}

static void fill_common(struct fsd *f, const struct request *r, uint32_t i,
			struct fuse_entry_out *out)
{
	out->nodeid = node_id_of(f, i);
	out->generation = node_at(&f->nodes, i)->generation;
	out->entry_valid = valid_s[r->class];
	out->attr_valid = valid_s[r->class];
	node_count_lookup(&f->nodes, i);
}

void entry_fill(struct fsd *f, const struct request *r, uint32_t i, const struct statx *st,
		struct fuse_entry_out *out)
{
	attr_fill(f, i, st, &out->attr);
	fill_common(f, r, i, out);
}

/* An entry that is a permanent node. */
static int enter_permanent(struct fsd *f, const struct request *r, uint32_t i,
			   struct fuse_entry_out *out)
{
	struct statx st;
	int err;

	if (node_is_synthetic(&f->nodes, i)) {
		attr_fill_synthetic(i, &out->attr);
		fill_common(f, r, i, out);
		return 0;
	}
	err = sys_stat_fd(node_at(&f->nodes, i)->fd, &st);
	if (!err)
		entry_fill(f, r, i, &st, out);
	return err;
}

/* The broker's root has `root` or `mounts`, depending on the class; `mounts` has the volumes. */
static int lookup_synthetic(struct fsd *f, const struct request *r, uint32_t parent,
			    const char *name, struct fuse_entry_out *out)
{
	char canonical[12];
	long n;

	if (parent == NODE_TOP && r->class == BROKER_CLASS_ROOT)
		return strcmp(name, "root") ? -ENOENT : enter_permanent(f, r, NODE_EXPORT0, out);
	if (parent == NODE_TOP)
		return strcmp(name, "mounts") ? -ENOENT : enter_permanent(f, r, NODE_MOUNTS, out);
	n = strtol(name, NULL, 10);
	snprintf(canonical, sizeof(canonical), "%ld", n);
	if (n < 0 || n >= (long)f->exports.n_exports - 1 || strcmp(canonical, name) != 0)
		return -ENOENT;
	return enter_permanent(f, r, node_of_export((uint16_t)(n + 1)), out);
}

int lookup_entry(struct fsd *f, const struct request *r, uint32_t parent, const char *name,
		 struct fuse_entry_out *out)
{
	struct statx st;
	uint32_t i;
	int dir, fd, err;

	if (node_is_synthetic(&f->nodes, parent))
		return lookup_synthetic(f, r, parent, name, out);
	dir = node_fd(&f->nodes, parent);
	if (dir < 0)
		return dir;
	err = node_fds_make_room(&f->nodes);
	if (err)
		return err;
	fd = sys_open_component(dir, name);
	if (fd < 0)
		return fd;
	err = sys_stat_fd(fd, &st);
	if (err) {
		close(fd);
		return err;
	}
	err = node_enter(&f->nodes, parent, name, fd, &st, &i);
	if (!err)
		entry_fill(f, r, i, &st, out);
	return err;
}

int op_lookup(struct fsd *f, struct request *r)
{
	struct fuse_entry_out *out = request_reply(r, sizeof(*out));
	const char *name;
	int err = request_name(r, &name);
	uint32_t i;

	if (!err)
		err = request_end(r);
	if (!err)
		err = lookup_entry(f, r, r->node, name, out);
	if (err)
		return err;
	/* A node that the guest knew before is not looked up to be opened: the entry's time was over. */
	i = (uint32_t)(out->nodeid & BROKER_NODE_MASK);
	if (r->open_ahead && S_ISREG(out->attr.mode) && node_at(&f->nodes, i)->n_lookup == 1)
		open_ahead(f, r, i);
	return 0;
}

int op_forget(struct fsd *f, struct request *r)
{
	const struct fuse_forget_in *in = REQUEST_BODY(r, struct fuse_forget_in);

	node_forget(&f->nodes, r->node, in->nlookup);
	return 0;
}

int op_batch_forget(struct fsd *f, struct request *r)
{
	const struct fuse_batch_forget_in *in = REQUEST_BODY(r, struct fuse_batch_forget_in);

	for (uint32_t n = 0; n < in->count; n++) {
		const struct fuse_forget_one *one = cursor_take(&r->body, sizeof(*one));
		uint32_t i;

		if (!one)
			break;
		i = request_node(f, r, one->nodeid);
		if (i)
			node_forget(&f->nodes, i, one->nlookup);
	}
	return 0;
}

int op_statfs(struct fsd *f, struct request *r)
{
	struct fuse_statfs_out *out = request_reply(r, sizeof(*out));
	struct statfs fs;
	int fd;

	out->st.namelen = 255;
	out->st.bsize = out->st.frsize = 4096;
	if (node_is_synthetic(&f->nodes, r->node))
		return 0;
	fd = node_fd(&f->nodes, r->node);
	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) < 0)
		return -errno;
	out->st.blocks = (uint64_t)fs.f_blocks;
	out->st.bfree = (uint64_t)fs.f_bfree;
	out->st.bavail = (uint64_t)fs.f_bavail;
	out->st.files = (uint64_t)fs.f_files;
	out->st.ffree = (uint64_t)fs.f_ffree;
	out->st.bsize = (uint32_t)fs.f_bsize;
	out->st.namelen = (uint32_t)fs.f_namelen;
	out->st.frsize = (uint32_t)fs.f_frsize;
	return 0;
}
