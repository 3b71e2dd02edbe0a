/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node table: what the guest's kernel knows by node id.
 *
 * A node is an inode of one mount of one export. It remembers parent and name, so that its
 * descriptor (O_PATH) need not stay open: descriptors are kept for the nodes used last, and a node
 * without one is found again by its path and checked by device, mount, inode number, type and file
 * handle; what does not match is ESTALE. Hard links share a node; the name found last is kept.
 *
 * A node lives as long as the guest holds lookups on it, or something here refers to it: a child
 * (for its path) or an open handle. A node whose last known name was removed while the guest holds
 * it is pinned: its descriptor is not given up, as it could not be found again.
 *
 * Memory: 48 bytes of node, 4 of hash bucket and the name, which with the allocator's own is 16 to
 * 32 bytes for usual names. The tables are reserved at their full size and touched from the start,
 * so a small container pays for what it uses.
 */
#ifndef NACRE_FSD_NODE_H
#define NACRE_FSD_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "export.h"

/*
 * Nodes at once. A guest kernel spends about 1 KiB on each inode it holds, so an honest one needs
 * 4 GiB of kernel memory to come here. A hostile one can make us use 208 MiB of tables and the
 * names below, which its cgroup is charged for. One more is ENFILE.
 */
#define NODE_MAX (1u << 22)
/* Bytes of all names together, the allocator's own not counted. */
#define NODE_NAMES_MAX (256u << 20)
/*
 * Ancestors that are opened again for one node; deeper ones whose descriptors are gone are ESTALE.
 */
#define NODE_DEPTH_MAX 4096u

/*
 * Descriptors for nodes. Each holds a dentry and an inode of the host's kernel, about 1 KiB;
 * opening one again costs some 3 µs.
 */
#define NODE_FDS_MAX 8192u
/*
 * Largest descriptor number, exclusive: nodes, handles (BROKER_HANDLES), exports and our own few.
 */
#define FSD_FDS_MAX 32768u
/* Descriptors beside those of nodes and handles: one request's, and two per job of slow.h. */
#define FSD_FDS_OWN 64u

/* Nodes that always exist. NODE_TOP is broker_root_node(). */
enum { NODE_NONE = 0, NODE_TOP = 1, NODE_MOUNTS = 2, NODE_EXPORT0 = 3 };

enum node_flags {
	NODE_USED = 1u << 0,
	NODE_PERMANENT = 1u << 1, /* not freed: synthetic, or the root of an export */
	NODE_PINNED = 1u << 2,    /* no name: its descriptor stays out of the LRU list */
	NODE_HASHED = 1u << 3,
	NODE_UPPER = 1u << 4,     /* on overlayfs: names with this number are one file */
};

struct node {
	uint64_t ino;
	char *name;          /* NULL: none known */
	uint32_t parent;     /* NODE_NONE: none known */
	uint32_t next;       /* in its hash bucket, or in the free list */
	uint32_t n_lookup;   /* UINT32_MAX: so many that it is kept until the session ends */
	uint32_t refs;       /* children and handles */
	int32_t fd;          /* O_PATH; -1: none at present */
	uint32_t digest;     /* of the file handle when fd was closed, 0: there is none */
	uint32_t generation; /* of this table slot */
	uint16_t mount;      /* MOUNT_NONE: a synthetic directory */
	uint8_t type;        /* S_IFMT bits >> 12 */
	uint8_t flags;       /* enum node_flags */
};

/* Descriptors of nodes by number, in the order of use. */
struct node_fds {
	struct {
		uint32_t node; /* NODE_NONE: not in the list */
		int32_t prev, next;
	} link[FSD_FDS_MAX];
	int32_t newest, oldest; /* -1: none */
	uint32_t n_listed, n_pinned, n_handles;
	uint32_t max_nodes, max_total;
	/* In use by the current request: not to be closed. */
	uint32_t held[4];
	uint32_t n_held;
};

struct node_table {
	struct node *node; /* indexed by the low bits of the node id */
	uint32_t *bucket;
	uint32_t n_buckets;
	uint32_t n_hashed;
	uint32_t n_slots; /* ever used; [0] is unused */
	uint32_t max;
	uint32_t free; /* list */
	uint32_t n_nodes;
	uint64_t name_bytes;
	struct export_table *exports;
	struct node_fds fds;
	uint32_t chain[NODE_DEPTH_MAX]; /* scratch of node_fd() */
	/* Finds an open handle's descriptor of a node whose path leads nowhere. -1: none. */
	int (*handle_fd)(void *ctx, uint32_t node);
	void *handle_ctx;
};

/*
 * Reserves the tables for `max` nodes and takes descriptors for at most max_fds nodes and handles
 * together. *t is zeroed memory. 0 or -errno.
 */
int node_table_init(struct node_table *t, struct export_table *exports, uint32_t max,
		    uint32_t max_fds);

/* Makes the permanent node of export e (t->exports has it). 0, -EACCES or another -errno. */
int node_add_export(struct node_table *t, uint16_t e);

/* Node number of the root of export e. */
static inline uint32_t node_of_export(uint16_t e)
{
	return NODE_EXPORT0 + e;
}

static inline struct node *node_at(struct node_table *t, uint32_t i)
{
	return &t->node[i];
}

/* True when i is a node at present. For numbers that the peer wrote. */
bool node_exists(const struct node_table *t, uint64_t i);

/* True for directories that exist only here. */
static inline bool node_is_synthetic(const struct node_table *t, uint32_t i)
{
	return t->node[i].mount == MOUNT_NONE;
}

static inline bool node_is_dir(const struct node_table *t, uint32_t i)
{
	return (uint32_t)t->node[i].type << 12 == S_IFDIR;
}

static inline const struct mount *node_mount(const struct node_table *t, uint32_t i)
{
	return &t->exports->mount[t->node[i].mount];
}

static inline const struct export *node_export(const struct node_table *t, uint32_t i)
{
	return &t->exports->export[node_mount(t, i)->export];
}

/*
 * The node of the object behind fd (takes it), found as `name` in directory `parent`, or with name
 * NULL: without a name. Its lookup count is left as it is; a new node with none is freed by
 * node_settle(). 0 and *i, -EACCES (a file system that is not exported), -ENFILE, -ENOMEM.
 */
int node_enter(struct node_table *t, uint32_t parent, const char *name, int fd,
	       const struct statx *st, uint32_t *i);

/*
 * The node of an object that was found as `name` in directory `parent`, if there is one: 0 when not. fd stays
 * open.
 */
uint32_t node_find(struct node_table *t, uint32_t parent, const char *name, int fd,
		   const struct statx *st);

/*
 * After a change of node i, which on overlayfs may have given it another inode number: it is found by that
 * from now on. node_renumber() when its attributes are known.
 */
void node_follow(struct node_table *t, uint32_t i);
void node_renumber(struct node_table *t, uint32_t i, const struct statx *st);
/* The same of a node that was given a second name: that it has one is no question any more. */
void node_linked(struct node_table *t, uint32_t i);

/* One lookup more, told to the guest. */
void node_count_lookup(struct node_table *t, uint32_t i);

/* The guest gives back n lookups. */
void node_forget(struct node_table *t, uint32_t i, uint64_t n);

/* One reference more or less (an open handle). */
void node_hold(struct node_table *t, uint32_t i);
void node_drop(struct node_table *t, uint32_t i);

/* Frees the node if nothing needs it. */
void node_settle(struct node_table *t, uint32_t i);

/* The object is now known as `name` in `parent`. 0 or -ENOMEM, -ENFILE: the old place stays. */
int node_move(struct node_table *t, uint32_t i, uint32_t parent, const char *name);

/*
 * `name` in `parent` was removed: if that is the node's place, it has none from now on. fd is an
 * O_PATH descriptor of the object (takes it, -1: none), kept if the node needs one.
 */
void node_unlinked(struct node_table *t, uint32_t i, uint32_t parent, const char *name, int fd);

/* Forgets every node of a class of sessions, but permanent ones. Handles were closed before. */
void node_reset_class(struct node_table *t, enum broker_class class);

/*
 * O_PATH descriptor of node i, opened again if need be; stays open until the request's end. -ESTALE
 * when it cannot be found, -ENFILE when no descriptor is free. Not for synthetic nodes.
 */
int node_fd(struct node_table *t, uint32_t i);

/* Start of a request: descriptors returned by node_fd() may be closed again. */
void node_fds_begin(struct node_table *t);

/* Closes descriptors of nodes until one more fits. 0 or -ENFILE. Before each open. */
int node_fds_make_room(struct node_table *t);

/* node_find.c, for node.c: into the hash table and out of it; and node_find() on a mount that is known. */
#define NODE_BUCKETS_MIN 64u
void node_hash_insert(struct node_table *t, uint32_t i);
void node_hash_remove(struct node_table *t, uint32_t i);
uint32_t node_find_on_mount(struct node_table *t, uint16_t mount, uint32_t parent, const char *name,
			    int fd, const struct statx *st);

/* node_fds.c, for node.c: gives node i the descriptor, or takes it away and closes it. */
void node_fd_attach(struct node_table *t, uint32_t i, int fd);
void node_fd_close(struct node_table *t, uint32_t i);

/*
 * The same of a node that stays: the inode number can be used again from now on, and its file handle,
 * which is noted, tells the two apart. False when the file system does not say.
 */
bool node_fd_evict(struct node_table *t, uint32_t i);

#endif
