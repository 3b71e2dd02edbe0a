/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FUSE request and its reply, and the operations that answer one.
 *
 * The request lies in our own memory, received once; what it says is the word of a peer that may be
 * hostile. request_serve() checks framing, node and rights of the id before it calls an operation;
 * an operation takes the fixed part of its body with REQUEST_BODY (its length was checked) and
 * names with request_name().
 */
#ifndef NACRE_FSD_REQUEST_H
#define NACRE_FSD_REQUEST_H

#include <linux/fuse.h>

#include "handle.h"

/* Room for a packet: the broker's header and the longest FUSE message. */
#define PACKET_MAX (sizeof(struct broker_header) + BROKER_MSG_MAX)
/* Longest body of a reply. */
#define REPLY_BODY_MAX (BROKER_MSG_MAX - sizeof(struct fuse_out_header))

#define DIR_WINDOWS      4u
#define DIR_WINDOW_BYTES (32u * 1024u)

/*
 * Entries of a directory read ahead of the guest, which asks for 4 KiB at a time: kept for the few
 * directories read last.
 */
struct dir_window {
	const struct handle *handle; /* NULL: free */
	int64_t next;                /* cookie of the entry at `at` */
	uint32_t at, len;
	uint32_t used; /* time of use, for replacement */
	_Alignas(8) uint8_t bytes[DIR_WINDOW_BYTES];
};

struct fsd {
	uint32_t container;
	int proc_fd; /* /proc/self/fd of a procfs of the host; also the working directory */
	struct export_table exports;
	struct node_table nodes;
	struct handle_table handles;
	struct dir_window window[DIR_WINDOWS];
	uint32_t window_clock;
	_Alignas(8) uint8_t in[PACKET_MAX];
	_Alignas(8) uint8_t out[PACKET_MAX];
};

struct request {
	struct fuse_in_header hdr;
	enum broker_class class;
	uint32_t tag;
	bool open_ahead;    /* BROKER_OPEN_AHEAD */
	uint32_t node;      /* number of hdr.nodeid, checked; NODE_NONE for the few without */
	struct cursor body; /* what the operation has not taken yet */
	uint8_t *out;       /* body of the reply, REPLY_BODY_MAX bytes */
	size_t out_len;
	int donate; /* descriptor to send along, which stays ours; -1: none */
};

/* The fixed part of the body; its length was checked against the table of operations. */
#define REQUEST_BODY(r, type) ((const type *)cursor_take(&(r)->body, sizeof(type)))

/*
 * The next name of the body: one component. 0 and *name, -EINVAL (empty, with a slash, ".", "..",
 * no NUL), -ENAMETOOLONG.
 */
int request_name(struct request *r, const char **name);

/* -EINVAL unless the body was used up: names have no bytes behind them. */
int request_end(const struct request *r);

/* `len` zeroed bytes more of the reply, or NULL when it is full. */
void *request_reply(struct request *r, size_t len);

/* Node number of a node id in a request's body, or NODE_NONE when it is none of this class's. */
uint32_t request_node(struct fsd *f, const struct request *r, uint64_t node_id);

/*
 * Answers one packet of `len` bytes in f->in. Returns the length of the reply in f->out, 0 for
 * none; *donate is the descriptor to send along, or -1.
 */
size_t request_serve(struct fsd *f, size_t len, int *donate);

/* What an operation returns when the answer is sent by someone else (slow.h). */
#define REQUEST_LATER 1

/* An operation returns 0, the reply's body filled in, or -errno, or REQUEST_LATER. */
typedef int (*request_op)(struct fsd *f, struct request *r);

/* lookup.c */
int op_lookup(struct fsd *f, struct request *r);
int op_forget(struct fsd *f, struct request *r);
int op_batch_forget(struct fsd *f, struct request *r);
int op_statfs(struct fsd *f, struct request *r);
/*
 * Looks `name` up in directory `parent`, fills *out and counts the lookup. 0 or -errno; -ENOENT as
 * well when it is not there.
 */
int lookup_entry(struct fsd *f, const struct request *r, uint32_t parent, const char *name,
		 struct fuse_entry_out *out);
/* Fills *out for node i with attributes *st, and counts the lookup. */
void entry_fill(struct fsd *f, const struct request *r, uint32_t i, const struct statx *st,
		struct fuse_entry_out *out);

/* Seconds that the guest may believe entries and attributes. */
uint64_t entry_valid_s(enum broker_class class);

/* attr.c */
int op_getattr(struct fsd *f, struct request *r);
int op_setattr(struct fsd *f, struct request *r);
void attr_fill(struct fsd *f, uint32_t i, const struct statx *st, struct fuse_attr *out);
/* Attributes of a directory that exists only here. */
void attr_fill_synthetic(uint32_t i, struct fuse_attr *out);
/* Takes set-user-id, set-group-id and file capabilities off the object behind O_PATH fd. */
int attr_kill_suidgid(struct fsd *f, int fd);

/* open.c */
int op_open(struct fsd *f, struct request *r);
int op_release(struct fsd *f, struct request *r);
int op_flush(struct fsd *f, struct request *r);
int op_fsync(struct fsd *f, struct request *r);
int op_fallocate(struct fsd *f, struct request *r);
int op_lseek(struct fsd *f, struct request *r);
int op_copy_file_range(struct fsd *f, struct request *r);
int op_syncfs(struct fsd *f, struct request *r);
/*
 * Flags to open a file with for the guest's `flags`, at *host; 0, -EINVAL or -EROFS. Creation flags
 * are the caller's.
 */
int open_flags(const struct request *r, bool read_only, uint32_t flags, int *host);
/*
 * Opens the object behind an O_PATH fd for real, when fstat calls it `type`. Descriptor or -errno.
 */
int open_through_proc(struct fsd *f, int fd, mode_t type, int flags);
/* Opens node i, makes a handle of it, fills *out and sets the donation. 0 or -errno. */
int open_node(struct fsd *f, struct request *r, uint32_t i, uint32_t flags, uint32_t fuse_flags,
	      struct fuse_open_out *out);
/* LOOKUP found regular file i: opens it for reading as well, if it may be kept; adds it to the reply. */
void open_ahead(struct fsd *f, struct request *r, uint32_t i);
/* Makes a handle of an open regular file (takes fd), fills *out and sets the donation. */
void open_donate(struct fsd *f, struct request *r, int fd, uint32_t i, struct fuse_open_out *out);

/* create.c */
int op_create(struct fsd *f, struct request *r);
int op_tmpfile(struct fsd *f, struct request *r);
int op_mknod(struct fsd *f, struct request *r);
int op_mkdir(struct fsd *f, struct request *r);
int op_symlink(struct fsd *f, struct request *r);

/* name.c */
int op_unlink(struct fsd *f, struct request *r);
int op_rmdir(struct fsd *f, struct request *r);
int op_rename(struct fsd *f, struct request *r);
int op_rename2(struct fsd *f, struct request *r);
int op_link(struct fsd *f, struct request *r);
int op_readlink(struct fsd *f, struct request *r);

/* dir.c */
int op_opendir(struct fsd *f, struct request *r);
int op_readdir(struct fsd *f, struct request *r);
int op_readdirplus(struct fsd *f, struct request *r);
int op_releasedir(struct fsd *f, struct request *r);
int op_fsyncdir(struct fsd *f, struct request *r);
/* The handle is closed: forget what was read ahead for it. */
void dir_forget_window(struct fsd *f, const struct handle *h);

/* xattr.c */
int op_getxattr(struct fsd *f, struct request *r);
int op_setxattr(struct fsd *f, struct request *r);
int op_listxattr(struct fsd *f, struct request *r);
int op_removexattr(struct fsd *f, struct request *r);

/* Name of a descriptor in /proc/self/fd, which is the working directory. */
struct proc_name {
	char text[12];
};
struct proc_name proc_name_of(int fd);

/* Prepares *f (zeroed memory): tables for max_nodes nodes and max_fds descriptors. 0 or -errno. */
int fsd_init(struct fsd *f, uint32_t container, int proc_fd, uint32_t max_nodes, uint32_t max_fds);

/* The number that follows FUSE's bits in a node id of this container. */
static inline uint64_t node_id_of(const struct fsd *f, uint32_t i)
{
	return ((uint64_t)f->container + 1) << BROKER_NODE_SHIFT | i;
}

#endif
