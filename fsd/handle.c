/* SPDX-License-Identifier: Apache-2.0 */
/* Open files and directories. See handle.h. */
#include "handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/*
 * A second O_PATH descriptor of an open file, for a node that has no place any more (node_fds.c).
 * The working directory is /proc/self/fd.
 */
static int handle_path_fd(void *ctx, uint32_t node)
{
	struct handle_table *t = ctx;
	char name[16];

	for (uint32_t i = 0; i < t->n_slots; i++) {
		if (t->handle[i].kind == HANDLE_FREE || t->handle[i].node != node)
			continue;
		snprintf(name, sizeof(name), "%d", t->handle[i].fd);
		return open(name, O_PATH | O_CLOEXEC);
	}
	return -1;
}

void handle_table_init(struct handle_table *t, struct node_table *nodes)
{
	t->nodes = nodes;
	nodes->handle_fd = handle_path_fd;
	nodes->handle_ctx = t;
}

int handle_make_room(struct handle_table *t)
{
	if (!t->free && t->n_slots == BROKER_HANDLES)
		return -ENFILE;
	return node_fds_make_room(t->nodes);
}

uint32_t handle_add(struct handle_table *t, int fd, uint32_t node, enum handle_kind kind,
		    enum broker_class class)
{
	uint32_t i = t->free ? t->free - 1 : t->n_slots++;

	if (t->free)
		t->free = t->handle[i].node;
	t->handle[i] = (struct handle){
		.fd = fd, .node = node, .kind = (uint8_t)kind, .class = (uint8_t) class};
	t->nodes->fds.n_handles++;
	node_hold(t->nodes, node);
	return i;
}

struct handle *handle_get(struct handle_table *t, uint64_t fh, uint32_t node, enum handle_kind kind,
			  enum broker_class class)
{
	struct handle *h;

	if (fh >= t->n_slots)
		return NULL;
	h = &t->handle[fh];
	return h->kind == kind && h->node == node && h->class == class ? h : NULL;
}

void handle_close(struct handle_table *t, struct handle *h)
{
	uint32_t node = h->node;

	close(h->fd);
	h->kind = HANDLE_FREE;
	h->node = t->free;
	t->free = (uint32_t)(h - t->handle) + 1;
	t->nodes->fds.n_handles--;
	node_drop(t->nodes, node);
}

void handle_reset_class(struct handle_table *t, enum broker_class class)
{
	for (uint32_t i = 0; i < t->n_slots; i++) {
		if (t->handle[i].kind != HANDLE_FREE && t->handle[i].class == class)
			handle_close(t, &t->handle[i]);
	}
}
