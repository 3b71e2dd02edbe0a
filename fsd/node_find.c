/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an object of the host to its node: a hash table by mount and inode number. See node.h.
 *
 * The table grows by linear hashing, one bucket per node, so no request ever pays for a rehash of the
 * whole.
 *
 * overlayfs without an index, as engines mount it, has inode numbers of its own kind. The names of a file
 * that lies in a lower layer under several names are several files, for each is copied up by itself; but
 * all show the number of the lower one, until they are copied up. So there nodes are looked at twice: a
 * node takes a new number when its file was copied up (node_renumber()), and that two names of a file with
 * several links are one file is tried out (sys_same_file()).
 */
#include "node.h"

#include <string.h>

static uint64_t hash_of(uint16_t mount, uint64_t ino)
{
	uint64_t h = (ino ^ (uint64_t)mount << 48) * UINT64_C(0x9e3779b97f4a7c15);

	return h ^ h >> 32;
}

/* Linear hashing: buckets [0, n_buckets), the last doubling not complete. */
static uint32_t bucket_of(const struct node_table *t, uint64_t h)
{
	uint32_t level = 1u << (31 - __builtin_clz(t->n_buckets));
	uint32_t b = (uint32_t)h & (2 * level - 1);

	return b < t->n_buckets ? b : (uint32_t)h & (level - 1);
}

/* Adds one bucket and gives it its share of the bucket it splits from. */
static void split_bucket(struct node_table *t)
{
	uint32_t level = 1u << (31 - __builtin_clz(t->n_buckets));
	uint32_t from = t->n_buckets - level;
	uint32_t i = t->bucket[from];

	t->bucket[from] = NODE_NONE;
	t->bucket[t->n_buckets] = NODE_NONE;
	t->n_buckets++;
	while (i) {
		struct node *n = node_at(t, i);
		uint32_t next = n->next;
		uint32_t b = bucket_of(t, hash_of(n->mount, n->ino));

		n->next = t->bucket[b];
		t->bucket[b] = i;
		i = next;
	}
}

void node_hash_insert(struct node_table *t, uint32_t i)
{
	struct node *n = node_at(t, i);
	uint32_t b;

	if (t->n_hashed >= t->n_buckets && t->n_buckets < t->max)
		split_bucket(t);
	b = bucket_of(t, hash_of(n->mount, n->ino));
	n->next = t->bucket[b];
	t->bucket[b] = i;
	n->flags |= NODE_HASHED;
	t->n_hashed++;
}

void node_hash_remove(struct node_table *t, uint32_t i)
{
	struct node *n = node_at(t, i);
	uint32_t *at;

	if (!(n->flags & NODE_HASHED))
		return;
	at = &t->bucket[bucket_of(t, hash_of(n->mount, n->ino))];
	while (*at != i)
		at = &node_at(t, *at)->next;
	*at = n->next;
	n->flags = (uint8_t)(n->flags & ~NODE_HASHED);
	t->n_hashed--;
}

/* True when node i is known as `name` in `parent`. */
static bool has_place(struct node_table *t, uint32_t i, uint32_t parent, const char *name)
{
	const struct node *n = node_at(t, i);

	return name && n->name && n->parent == parent && !strcmp(n->name, name);
}

/* The node with that number, the one with that place before others; 0: none. */
static uint32_t hash_find(struct node_table *t, uint16_t mount, uint64_t ino, uint32_t parent,
			  const char *name)
{
	uint32_t found = NODE_NONE;

	for (uint32_t i = t->bucket[bucket_of(t, hash_of(mount, ino))]; i; i = node_at(t, i)->next) {
		if (node_at(t, i)->ino != ino || node_at(t, i)->mount != mount)
			continue;
		if (!t->exports->mount[mount].overlay || has_place(t, i, parent, name))
			return i;
		if (!found)
			found = i;
	}
	return found;
}

/* True when what lies behind fd is what node i stands for, as far as can be known. */
static bool is_same_object(struct node_table *t, uint32_t i, int fd, const struct statx *st)
{
	const struct node *n = node_at(t, i);
	uint32_t digest;

	if (n->type != st->stx_mode >> 12)
		return false;
	/* An open descriptor keeps the inode, so its number cannot have been used again. */
	if (n->fd >= 0)
		return true;
	return sys_handle_digest(fd, &digest) == 0 && digest == n->digest;
}

void node_renumber(struct node_table *t, uint32_t i, const struct statx *st)
{
	struct node *n = node_at(t, i);
	int m;

	if ((n->flags & NODE_PERMANENT) ||
	    (n->ino == st->stx_ino && mount_matches(t->exports, n->mount, st)))
		return;
	/* The layers' device numbers may differ as well. If there is no room the old number stays. */
	m = mount_enter(t->exports, t->exports->mount[n->mount].export, n->mount, n->fd, st);
	if (m < 0)
		return;
	node_hash_remove(t, i);
	mount_hold(t->exports, (uint16_t)m);
	mount_release(t->exports, n->mount);
	n->mount = (uint16_t)m;
	n->ino = st->stx_ino;
	node_hash_insert(t, i);
}

void node_follow(struct node_table *t, uint32_t i)
{
	struct statx st;

	if (t->exports->mount[node_at(t, i)->mount].overlay && !node_is_dir(t, i) &&
	    node_at(t, i)->fd >= 0 && sys_stat_fd(node_at(t, i)->fd, &st) == 0)
		node_renumber(t, i, &st);
}

void node_linked(struct node_table *t, uint32_t i)
{
	node_follow(t, i);
	node_at(t, i)->flags |= NODE_UPPER;
}

/* True when node i, which has the number of a file with several links on overlayfs, is that file. */
static bool is_same_link(struct node_table *t, uint32_t i, uint32_t parent, const char *name, int fd,
			 const struct statx *st)
{
	int node_path_fd;

	if (node_at(t, i)->type != st->stx_mode >> 12)
		return false;
	if ((node_at(t, i)->flags & NODE_UPPER) || has_place(t, i, parent, name))
		return true;
	/* Nothing can be tried out on these, and nobody writes to them: several nodes of one do no harm. */
	if (!S_ISREG(st->stx_mode))
		return false;
	node_path_fd = node_fd(t, i);
	if (node_path_fd < 0 || sys_same_file(node_path_fd, fd) == 0)
		return false;
	/* In a lower layer they would not be one. What cannot be tried out counts as the same. */
	node_at(t, i)->flags |= NODE_UPPER;
	return true;
}

uint32_t node_find_on_mount(struct node_table *t, uint16_t mount, uint32_t parent, const char *name,
			    int fd, const struct statx *st)
{
	const bool links = t->exports->mount[mount].overlay && !S_ISDIR(st->stx_mode) && st->stx_nlink > 1;
	uint32_t i = hash_find(t, mount, st->stx_ino, parent, name);

	while (i && links) {
		node_follow(t, i);
		if (node_at(t, i)->ino == st->stx_ino && node_at(t, i)->mount == mount)
			return is_same_link(t, i, parent, name, fd, st) ? i : NODE_NONE;
		i = hash_find(t, mount, st->stx_ino, parent, name);
	}
	if (i && !is_same_object(t, i, fd, st)) {
		/* The inode number was used again: the guest will get ESTALE for the old node. */
		node_hash_remove(t, i);
		return NODE_NONE;
	}
	return i;
}

uint32_t node_find(struct node_table *t, uint32_t parent, const char *name, int fd,
		   const struct statx *st)
{
	uint16_t near = node_at(t, parent)->mount;
	int m = mount_enter(t->exports, t->exports->mount[near].export, near, fd, st);

	return m < 0 ? NODE_NONE : node_find_on_mount(t, (uint16_t)m, parent, name, fd, st);
}
