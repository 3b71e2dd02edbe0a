/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors of nodes: a list in the order of use, from whose end they are closed, and the way
 * back from a node to a descriptor. See node.h.
 *
 * The number of descriptors is bounded together with that of open handles, so that a process limit
 * of 4096 is enough for any number of nodes. Pinned descriptors (of nodes without a name) may take
 * half of the nodes' share; beyond that they stand in the list as well, and the node is ESTALE once
 * its descriptor was closed, unless a handle of it is open.
 */
#include "node.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void list_remove(struct node_fds *f, int fd)
{
	int32_t prev = f->link[fd].prev, next = f->link[fd].next;

	if (prev >= 0)
		f->link[prev].next = next;
	else
		f->newest = next;
	if (next >= 0)
		f->link[next].prev = prev;
	else
		f->oldest = prev;
	f->link[fd].node = NODE_NONE;
	f->n_listed--;
}

static void list_insert(struct node_fds *f, int fd, uint32_t node)
{
	f->link[fd].node = node;
	f->link[fd].prev = -1;
	f->link[fd].next = f->newest;
	if (f->newest >= 0)
		f->link[f->newest].prev = fd;
	else
		f->oldest = fd;
	f->newest = fd;
	f->n_listed++;
}

/* Gives node i the descriptor, in the list or pinned. It has none in this bookkeeping yet. */
static void account(struct node_table *t, uint32_t i, int fd)
{
	struct node *n = node_at(t, i);

	n->fd = fd;
	if (!n->name && t->fds.n_pinned < t->fds.max_nodes / 2) {
		n->flags |= NODE_PINNED;
		t->fds.n_pinned++;
	} else {
		list_insert(&t->fds, fd, i);
	}
}

static void unaccount(struct node_table *t, struct node *n, int fd)
{
	if (n->flags & NODE_PINNED) {
		n->flags = (uint8_t)(n->flags & ~NODE_PINNED);
		t->fds.n_pinned--;
	} else if (t->fds.link[fd].node != NODE_NONE) {
		list_remove(&t->fds, fd);
	}
}

void node_fd_attach(struct node_table *t, uint32_t i, int fd)
{
	assert(fd >= 0 && (uint32_t)fd < FSD_FDS_MAX);
	/* A node that gained or lost its name comes here with the descriptor it had. */
	unaccount(t, node_at(t, i), fd);
	account(t, i, fd);
}

void node_fd_close(struct node_table *t, uint32_t i)
{
	struct node *n = node_at(t, i);

	if (n->fd < 0 || (n->flags & NODE_PERMANENT))
		return;
	unaccount(t, n, n->fd);
	close(n->fd);
	n->fd = -1;
}

static bool is_held(const struct node_fds *f, uint32_t node)
{
	for (uint32_t i = 0; i < f->n_held; i++) {
		if (f->held[i] == node)
			return true;
	}
	return false;
}

bool node_fd_evict(struct node_table *t, uint32_t i)
{
	struct node *n = node_at(t, i);

	if (n->fd >= 0 && sys_handle_digest(n->fd, &n->digest) < 0)
		return false;
	node_fd_close(t, i);
	return true;
}

/* Closes the descriptor that was used longest ago. False when none may be closed. */
static bool evict(struct node_table *t)
{
	int32_t fd = t->fds.oldest;

	while (fd >= 0 && is_held(&t->fds, t->fds.link[fd].node))
		fd = t->fds.link[fd].prev;
	return fd >= 0 && node_fd_evict(t, t->fds.link[fd].node);
}

int node_fds_make_room(struct node_table *t)
{
	struct node_fds *f = &t->fds;

	while (f->n_listed + f->n_pinned >= f->max_nodes ||
	       f->n_listed + f->n_pinned + f->n_handles >= f->max_total) {
		if (!evict(t))
			return -ENFILE;
	}
	return 0;
}

void node_fds_begin(struct node_table *t)
{
	t->fds.n_held = 0;
}

/* Notes the use of node i, which has a descriptor. */
static void touch(struct node_table *t, uint32_t i)
{
	int fd = node_at(t, i)->fd;

	if (t->fds.link[fd].node == i && t->fds.newest != fd) {
		list_remove(&t->fds, fd);
		list_insert(&t->fds, fd, i);
	}
}

/* Opens node i below its parent, which has a descriptor, and checks that it is still the same. */
static int open_again(struct node_table *t, uint32_t i)
{
	struct node *n = node_at(t, i);
	struct statx st;
	uint32_t digest;
	int fd, r;

	r = node_fds_make_room(t);
	if (r < 0)
		return r;
	fd = sys_open_component(node_at(t, n->parent)->fd, n->name);
	if (fd < 0)
		return fd == -ENFILE || fd == -EMFILE || fd == -ENOMEM ? fd : -ESTALE;
	r = sys_stat_fd(fd, &st);
	if (r == 0)
		r = sys_handle_digest(fd, &digest);
	if (r != 0 || st.stx_ino != n->ino || st.stx_mode >> 12 != n->type ||
	    !mount_matches(t->exports, n->mount, &st) || digest != n->digest) {
		close(fd);
		return -ESTALE;
	}
	node_fd_attach(t, i, fd);
	return 0;
}

/*
 * For a node without a known place, or with one where it is not any more (the host has renamed it, or a
 * directory above it): an open handle still leads to it, as fstat() of an open file never fails.
 */
static int open_from_handle(struct node_table *t, uint32_t i)
{
	int fd, r;

	r = node_fds_make_room(t);
	if (r < 0)
		return r;
	fd = t->handle_fd ? t->handle_fd(t->handle_ctx, i) : -1;
	if (fd < 0)
		return -ESTALE;
	node_fd_attach(t, i, fd);
	return 0;
}

/* Opens node i, and above it what has no descriptor either. 0 or -errno. */
static int open_path(struct node_table *t, uint32_t i)
{
	unsigned int depth = 0;
	uint32_t at = i;
	int r;

	while (node_at(t, at)->fd < 0) {
		if (!node_at(t, at)->parent) {
			r = open_from_handle(t, at);
			if (r < 0)
				return r;
			break;
		}
		if (depth == NODE_DEPTH_MAX)
			return -ESTALE;
		t->chain[depth++] = at;
		at = node_at(t, at)->parent;
	}
	for (; depth; depth--) {
		touch(t, at); /* so that making room for the child does not close it */
		at = t->chain[depth - 1];
		r = open_again(t, at);
		if (r < 0)
			return r;
	}
	return 0;
}

int node_fd(struct node_table *t, uint32_t i)
{
	int r = open_path(t, i);

	/* The place stays: to take it away could free the parent, whose descriptor this request may have. */
	if (r == -ESTALE && node_at(t, i)->parent)
		r = open_from_handle(t, i);
	if (r < 0)
		return r;
	touch(t, i);
	if (t->fds.n_held < sizeof(t->fds.held) / sizeof(t->fds.held[0]))
		t->fds.held[t->fds.n_held++] = i;
	return node_at(t, i)->fd;
}
