/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node table. See node.h. Descriptors are in node_fds.c, the way from an object to its node is in
 * node_find.c.
 *
 * Node numbers come from the peer and are checked by node_exists(); everything else in here is our
 * own.
 */
#include "node.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static_assert(sizeof(struct node) == 48, "node.h says so");

static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* A node without anything but its slot's generation. 0: the table is full. */
static uint32_t alloc_node(struct node_table *t)
{
	uint32_t i = t->free;
	uint32_t generation;

	if (i)
		t->free = node_at(t, i)->next;
	else if (t->n_slots < t->max)
		i = t->n_slots++;
	else
		return NODE_NONE;
	generation = node_at(t, i)->generation;
	*node_at(t, i) = (struct node){
		.fd = -1, .generation = generation, .flags = NODE_USED, .mount = MOUNT_NONE};
	t->n_nodes++;
	return i;
}

static void clear_place(struct node_table *t, struct node *n)
{
	if (n->name) {
		t->name_bytes -= strlen(n->name) + 1;
		free(n->name);
		n->name = NULL;
	}
	n->parent = NODE_NONE;
}

static void free_node(struct node_table *t, uint32_t i)
{
	struct node *n = node_at(t, i);
	uint32_t generation = n->generation + 1;

	node_fd_close(t, i);
	node_hash_remove(t, i);
	clear_place(t, n);
	if (n->mount != MOUNT_NONE)
		mount_release(t->exports, n->mount);
	*n = (struct node){.fd = -1, .generation = generation, .next = t->free};
	t->free = i;
	t->n_nodes--;
}

static bool unneeded(const struct node *n)
{
	return n->n_lookup == 0 && n->refs == 0 && !(n->flags & NODE_PERMANENT);
}

void node_settle(struct node_table *t, uint32_t i)
{
	/* A freed node takes its reference off its parent, which may then be unneeded too. */
	while (i && unneeded(node_at(t, i))) {
		uint32_t parent = node_at(t, i)->parent;

		free_node(t, i);
		if (parent)
			node_at(t, parent)->refs--;
		i = parent;
	}
}

bool node_exists(const struct node_table *t, uint64_t i)
{
	return i < t->n_slots && (t->node[i].flags & NODE_USED);
}

void node_count_lookup(struct node_table *t, uint32_t i)
{
	if (node_at(t, i)->n_lookup != UINT32_MAX)
		node_at(t, i)->n_lookup++;
}

void node_forget(struct node_table *t, uint32_t i, uint64_t n)
{
	struct node *node = node_at(t, i);

	if (node->n_lookup == UINT32_MAX)
		return;
	node->n_lookup -= n < node->n_lookup ? (uint32_t)n : node->n_lookup;
	node_settle(t, i);
}

void node_hold(struct node_table *t, uint32_t i)
{
	node_at(t, i)->refs++;
}

void node_drop(struct node_table *t, uint32_t i)
{
	node_at(t, i)->refs--;
	node_settle(t, i);
}

/*
 * True when i is `of` or above it. What we know of places may be old (the host moves directories in
 * volumes), so this keeps a loop out of the parents, in which the nodes would hold each other.
 */
static bool is_above(struct node_table *t, uint32_t i, uint32_t of)
{
	for (unsigned int n = 0; of; n++) {
		if (of == i || n == NODE_DEPTH_MAX)
			return true;
		of = node_at(t, of)->parent;
	}
	return false;
}

/* Takes the node's place away. Its descriptor is then all there is. */
static void lose_place(struct node_table *t, uint32_t i)
{
	struct node *n = node_at(t, i);
	uint32_t parent = n->parent;
	int fd = n->fd;

	clear_place(t, n);
	if (fd >= 0 && !(n->flags & NODE_PERMANENT)) {
		n->fd = -1;
		node_fd_attach(t, i, fd); /* attached again it counts as pinned */
	}
	if (parent)
		node_drop(t, parent);
}

int node_move(struct node_table *t, uint32_t i, uint32_t parent, const char *name)
{
	struct node *n = node_at(t, i);
	size_t len = strlen(name) + 1;
	uint32_t old = n->parent;
	char *copy;
	int fd = n->fd;

	if ((n->flags & NODE_PERMANENT) || (old == parent && n->name && !strcmp(n->name, name)))
		return 0;
	if (node_is_dir(t, i) && old != parent && is_above(t, i, parent)) {
		/* The directory was moved below what we took for its child. */
		if (n->name)
			lose_place(t, i);
		return 0;
	}
	if (t->name_bytes + len > NODE_NAMES_MAX)
		return -ENFILE;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	node_at(t, parent)->refs++;
	clear_place(t, n);
	n->name = copy;
	n->parent = parent;
	t->name_bytes += len;
	if (n->flags & NODE_PINNED) {
		n->fd = -1;
		node_fd_attach(t, i, fd); /* attached again it counts as listed */
	}
	if (old)
		node_drop(t, old);
	return 0;
}

void node_unlinked(struct node_table *t, uint32_t i, uint32_t parent, const char *name, int fd)
{
	struct node *n = node_at(t, i);

	if (n->parent != parent || !n->name || strcmp(n->name, name) != 0 ||
	    (n->flags & NODE_PERMANENT)) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (n->fd >= 0 && fd >= 0)
		close(fd);
	else if (fd >= 0)
		node_fd_attach(t, i, fd);
	lose_place(t, i);
}

static int make_node(struct node_table *t, uint16_t mount, const struct statx *st, uint32_t *i)
{
	struct node *n;

	*i = alloc_node(t);
	if (!*i)
		return -ENFILE;
	n = node_at(t, *i);
	n->ino = st->stx_ino;
	n->mount = mount;
	n->type = (uint8_t)(st->stx_mode >> 12);
	mount_hold(t->exports, mount);
	node_hash_insert(t, *i);
	return 0;
}

int node_enter(struct node_table *t, uint32_t parent, const char *name, int fd,
	       const struct statx *st, uint32_t *i)
{
	const struct mount *near = node_mount(t, parent);
	int m = mount_enter(t->exports, near->export, node_at(t, parent)->mount, fd, st);
	int r = m < 0 ? m : 0;

	if (r == 0) {
		*i = node_find_on_mount(t, (uint16_t)m, parent, name, fd, st);
		if (!*i)
			r = make_node(t, (uint16_t)m, st, i);
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	r = name ? node_move(t, *i, parent, name) : 0;
	if (node_at(t, *i)->fd >= 0 || r < 0)
		close(fd);
	else
		node_fd_attach(t, *i, fd);
	if (r < 0)
		node_settle(t, *i);
	return r;
}

void node_reset_class(struct node_table *t, enum broker_class class)
{
	for (uint32_t i = NODE_EXPORT0; i < t->n_slots; i++) {
		struct node *n = node_at(t, i);

		if (!(n->flags & NODE_USED) || export_class(node_mount(t, i)->export) != class)
			continue;
		n->n_lookup = 0;
		n->refs = 0; /* its children are of this class and go as well */
		if (!(n->flags & NODE_PERMANENT))
			free_node(t, i);
	}
}

int node_add_export(struct node_table *t, uint16_t e)
{
	struct statx st;
	uint32_t i;
	int fd = t->exports->export[e].fd;
	int r = sys_stat_fd(fd, &st);
	int m = r < 0 ? r : mount_enter(t->exports, e, MOUNT_NONE, fd, &st);

	if (m < 0)
		return m;
	if (!S_ISDIR(st.stx_mode) && (e == EXPORT_ROOT || !S_ISREG(st.stx_mode)))
		return -ENOTDIR;
	r = make_node(t, (uint16_t)m, &st, &i);
	if (r < 0)
		return r;
	assert(i == node_of_export(e));
	node_at(t, i)->flags |= NODE_PERMANENT;
	node_at(t, i)->fd = fd;
	return 0;
}

static void make_synthetic(struct node_table *t, uint32_t want)
{
	uint32_t i = alloc_node(t);

	assert(i == want);
	node_at(t, i)->flags |= NODE_PERMANENT;
	node_at(t, i)->type = S_IFDIR >> 12;
}

int node_table_init(struct node_table *t, struct export_table *exports, uint32_t max,
		    uint32_t max_fds)
{
	t->node = reserve((size_t)max * sizeof(struct node));
	t->bucket = reserve((size_t)max * sizeof(uint32_t) + NODE_BUCKETS_MIN * sizeof(uint32_t));
	if (!t->node || !t->bucket)
		return -ENOMEM;
	t->max = max;
	t->n_buckets = NODE_BUCKETS_MIN;
	t->n_slots = 1;
	t->exports = exports;
	t->fds.newest = t->fds.oldest = -1;
	t->fds.max_total = max_fds;
	t->fds.max_nodes = max_fds < NODE_FDS_MAX ? max_fds : NODE_FDS_MAX;
	make_synthetic(t, NODE_TOP);
	make_synthetic(t, NODE_MOUNTS);
	return 0;
}
