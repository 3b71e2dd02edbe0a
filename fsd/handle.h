/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files and directories, by small number. A handle refers to its node, so that the node's
 * number is not given to another file while the handle is open.
 */
#ifndef NACRE_FSD_HANDLE_H
#define NACRE_FSD_HANDLE_H

#include "node.h"

enum handle_kind { HANDLE_FREE = 0, HANDLE_FILE, HANDLE_DIR };

struct handle {
	int32_t fd;
	uint32_t node; /* HANDLE_FREE: next free handle + 1 */
	uint8_t kind;  /* enum handle_kind */
	uint8_t class; /* enum broker_class */
	int64_t pos;   /* HANDLE_DIR: cookie at which fd stands */
};

struct handle_table {
	struct handle handle[BROKER_HANDLES];
	uint32_t n_slots; /* ever used */
	uint32_t free;    /* first free + 1, 0: none */
	struct node_table *nodes;
};

/* *t is zeroed memory. */
void handle_table_init(struct handle_table *t, struct node_table *nodes);

/* Makes sure that a handle and a descriptor for it are free. 0 or -ENFILE. Before the open. */
int handle_make_room(struct handle_table *t);

/* Number of a new handle, which takes fd. handle_make_room() has said yes. */
uint32_t handle_add(struct handle_table *t, int fd, uint32_t node, enum handle_kind kind,
		    enum broker_class class);

/*
 * The handle that the peer calls fh, if it is one of this kind, node and class; else NULL (EBADF).
 */
struct handle *handle_get(struct handle_table *t, uint64_t fh, uint32_t node, enum handle_kind kind,
			  enum broker_class class);

/* Closes the handle. */
void handle_close(struct handle_table *t, struct handle *h);

/* Closes all handles of a class of sessions. */
void handle_reset_class(struct handle_table *t, enum broker_class class);

#endif
