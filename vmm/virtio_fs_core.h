/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the virtio-fs device; nobody else includes this. virtio_fs.c takes requests off the queues
 * and routes them, virtio_fs_session.c answers what is the VMM's own, virtio_fs_send.c and
 * virtio_fs_broker.c talk to nacre-fsd, virtio_fs_files.c and virtio_fs_kept.c have the open files,
 * virtio_fs_io.c reads and writes.
 *
 * Threads and locks. The device thread pops, routes, sends and receives; it holds dev->lock while
 * it touches a queue. Workers take dev->lock to complete. fs.lock, taken last and never held over a
 * system call that waits, guards what both touch: the free tags, the files, the jobs, the lists of
 * requests to send. A request in use belongs to the one thread that has it.
 */
#ifndef NACRE_VMM_VIRTIO_FS_CORE_H
#define NACRE_VMM_VIRTIO_FS_CORE_H

#include <linux/fuse.h>

#include "virtio_fs.h"

#define FS_QUEUE_HIPRIO  0u
#define FS_QUEUE_REQUEST 1u
#define FS_QUEUES        2u

/* Containers of one VM. */
#define FS_BROKERS_MAX 64u
/* Donated descriptors of all containers; the process's own limit comes first. */
#define FS_FILES_MAX 65536u
#define FS_WORKERS   2u

/* Entries of the ring for FORGET, one descriptor each. */
#define FS_HIPRIO_SIZE 256u

/*
 * Pages in one READ or WRITE, as many as Linux ever asks for: what a request costs beside its data
 * (two wakings, a dozen system calls) is then small against 1 MiB. One page is one descriptor, the
 * ring of requests has 2048, and a Linux driver that finds no room tries again a millisecond later:
 * so seven large requests fit, and small ones beside.
 */
#define FS_PAGES_MAX 256u
#define FS_WRITE_MAX (FS_PAGES_MAX * 4096u)

/* Files that stay open between one OPEN and the next, of all containers; a power of two. */
#define FS_KEPT_MAX 1024u
/* With which files are opened ahead; virtio_fs_kept.c. */
#define FS_AHEAD_CREDIT 64u

/* Room for RELEASEs and FORGETs of a broker that are sent together. */
#define FS_LATER_BYTES 512u

struct fs_list {
	uint32_t first, last; /* index + 1, 0: none */
};

/* An open file of a guest: the donated descriptor. Closed when the last reference goes. */
struct fs_file {
	int fd;
	uint32_t refs; /* its slot in the broker's table, and each READ or WRITE under way */
	uint32_t class;
	uint32_t release;      /* tag + 1 of a RELEASE that waits for the others to end; 0: none */
	uint32_t next;         /* free list or retired ones, index + 1 */
	uint32_t fh;           /* its handle, of broker, for the node */
	struct fs_broker *broker;
	uint64_t node_id;
	uint32_t reply_flags;  /* fuse_open_out.open_flags */
	bool may_keep;         /* for reading, and nacre-fsd said BROKER_MAY_KEEP */
	bool kept;             /* in fs.kept: the guest has no handle of it */
	bool ahead;            /* came with a LOOKUP, and no OPEN has taken it yet */
	bool writing;          /* a WRITE is a job, or a worker's; fs.lock */
	struct fs_list writes; /* the WRITEs that wait for it */
};

enum fs_request_state {
	FS_FREE,
	FS_HELD,    /* the thread that has it */
	FS_QUEUED,  /* on a broker's list, to be sent */
	FS_SENT,    /* nacre-fsd has it */
	FS_JOB,     /* a worker has it, or will */
	FS_WAITING, /* a RELEASE, on its file */
};

/* A request that was popped and not pushed yet. Its index is the tag. */
struct fs_request {
	enum fs_request_state state;
	struct virtio_dev *dev;
	struct fs_broker *broker;
	uint32_t queue;
	uint32_t generation; /* dev->generation when it was popped */
	uint32_t session;    /* fs_device.session then */
	uint32_t class;
	uint64_t unique;
	uint64_t node_id;
	uint32_t opcode;
	uint32_t open_flags;  /* OPEN, CREATE, TMPFILE */
	bool open_ahead;      /* LOOKUP: asked with BROKER_OPEN_AHEAD */
	int32_t error;        /* to answer with once nacre-fsd has answered, whatever it says */
	uint32_t next;        /* list link, index + 1 */
	struct fs_file *file; /* FS_JOB, FS_WAITING */
	/* READ, WRITE */
	uint64_t offset;
	uint32_t size;
	int rw_flags;
	bool whole; /* a READ up to the file's end, a WRITE of cached pages: all of it or an error */
	bool tells; /* a WRITE: the one before it was answered without an interrupt */
	/* FS_QUEUED, FS_WAITING: the packet. */
	uint32_t msg_len;
	_Alignas(8) uint8_t msg[sizeof(struct broker_header) + sizeof(struct fuse_in_header) + 64];
	/* Last: only the pieces in use are copied. */
	struct chain chain;
};

struct fs_broker {
	bool used;
	bool dead;
	uint32_t n_asked; /* requests in state FS_SENT */
	uint32_t container;
	struct loop_source src;
	void (*lost)(uint32_t container);
	struct fs_list to_send;
	bool reset_due[BROKER_CLASS_COUNT];
	uint32_t n_slots; /* slots ever used */
	uint32_t *slot;   /* by handle: index + 1 of a file, 0: none */
	uint32_t retired; /* first file that nacre-fsd is to hear the RELEASE of, index + 1 */
	/* What nobody waits for, to go along with the next request or when there is none. */
	uint32_t later_len;
	uint8_t later[FS_LATER_BYTES];
};

struct fs_device {
	struct virtio_dev *dev; /* NULL: not there */
	uint32_t session;       /* bumped when one ends */
	bool initialized;
	bool stalled[FS_QUEUES]; /* a chain was put back; fs.lock */
};

struct fs_state {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct fs_device device[BROKER_CLASS_COUNT];
	struct fs_broker broker[FS_BROKERS_MAX];
	uint32_t n_brokers; /* ever used of these */
	uint64_t tags_used[BROKER_TAGS / 64];
	struct fs_request *request; /* BROKER_TAGS of them */
	struct fs_file *file;       /* FS_FILES_MAX of them */
	uint32_t n_files, free_file;
	struct fs_list jobs;
	uint32_t kept[FS_KEPT_MAX]; /* by node: index + 1 of a file that is open and not the guest's */
	uint32_t n_kept_places;     /* used of these, a power of two */
	uint32_t kept_taken; /* RELEASEs that found their place taken */
	uint32_t ahead_credit, ahead_probe; /* virtio_fs_kept.c */
};

extern struct fs_state fs;

/* A FUSE request as copied from the chain: header, and what else was asked for. */
struct fs_packet {
	struct broker_header broker;
	struct fuse_in_header hdr;
	uint8_t body[BROKER_MSG_MAX - sizeof(struct fuse_in_header)];
};
static_assert(sizeof(struct fs_packet) == sizeof(struct broker_header) + BROKER_MSG_MAX,
	      "no holes");

/* virtio_fs.c */

struct fs_device *fs_device_of(const struct virtio_dev *dev);

/*
 * A free request filled in for a chain of queue q, or NULL; then the queue is noted as stalled and
 * its chain must be put back. dev->lock held.
 */
struct fs_request *fs_request_take(struct virtio_dev *dev, uint32_t q, const struct chain *c,
				   const struct fuse_in_header *hdr);

/* Gives the request back without a word to the guest. Any thread. */
void fs_request_free(struct fs_request *r);

/*
 * The same of one that was only just taken: nobody can have been refused it since, and no queue is woken. Two that
 * wait for room in a socket would wake each other without end. Device thread.
 */
void fs_request_untake(struct fs_request *r);

/*
 * Answers the guest and gives the request back, unless the device was reset since: error, or 0 and
 * `len` bytes of body. What does not fit into the chain becomes -EIO. Takes dev->lock. Any thread.
 * The caller calls fs_interrupt() some time later, or leaves it to the next WRITE (fs_request.tells).
 */
void fs_request_complete(struct fs_request *r, int error, const void *body, size_t len);

/*
 * Writes an answer into a chain and pushes it; no interrupt. error, or 0 and `len` bytes of body,
 * which may be NULL when they lie there already; what does not fit becomes -EIO. 0, or negative:
 * the queue is broken. dev->lock held.
 */
int fs_answer(struct virtio_dev *dev, struct virtq *q, const struct chain *c, uint64_t unique,
	      int error, const void *body, size_t len);

/* Notes that queue q has a chain put back; fs_unstall() kicks it again. fs.lock held for both. */
void fs_stall(struct virtio_dev *dev, uint32_t q);
void fs_unstall(void);

/* Interrupts for what was completed on queue q. Takes dev->lock. */
void fs_interrupt(struct virtio_dev *dev, uint32_t q);

void fs_list_push(struct fs_list *l, struct fs_request *r);
struct fs_request *fs_list_pop(struct fs_list *l);

/*
 * True while the session that the request came from goes on. A device reset ends it only when the
 * device thread has heard of it (quiesce), so that a reset is told to nacre-fsd behind what was
 * sent before. Device thread.
 */
bool fs_session_is_current(const struct fs_request *r);

/* virtio_fs_session.c: the same contract as serve() of dev.h. dev->lock held, device thread. */

int fs_serve_init(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
		  const struct fs_packet *p);
/* Requests on node 1, whose entries are the containers. */
int fs_serve_top(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
		 const struct fs_packet *p);
/* Ends the session of a device: closes its files, has every nacre-fsd forget it. */
void fs_end_session(struct fs_device *d);

/* virtio_fs_broker.c and virtio_fs_send.c. Device thread. */

struct fs_broker *fs_broker_of_node(uint64_t node_id);
/* The live broker with the lowest container number of at least n, or NULL. */
struct fs_broker *fs_broker_from(uint32_t n);
/*
 * Sends p (header and body of p->hdr.len bytes) for request r; r == NULL: there will be no answer, and p
 * goes along with the next one that has, or when the loop has nothing to do.
 * 0, -EAGAIN (the socket is full; fs_unstall() comes later) or -ENOTCONN.
 */
int fs_broker_send(struct fs_broker *b, struct fs_packet *p, struct fs_request *r);
/* Sends what waits for the socket to take it. 0 when all is sent, -EAGAIN, -ENOTCONN. */
int fs_broker_flush(struct fs_broker *b);
/* Sends the packet in r->msg, now or as soon as the socket takes it. Takes r. */
void fs_broker_queue(struct fs_broker *b, struct fs_request *r);
/* The same for every broker. */
void fs_brokers_flush(void);

/* virtio_fs_files.c. Any thread; fs.lock is taken. */

/*
 * Checks a donated descriptor (takes it) and enters it as handle open->fh of a node, for the class and open
 * flags of r. 0 and *file, -EIO when it is not what was asked for, -ENFILE.
 */
int fs_file_enter(const struct fs_request *r, uint64_t node_id, const struct fuse_open_out *open, int fd,
		  struct fs_file **file);
/* The file, with a reference for the caller, or NULL. */
struct fs_file *fs_file_get(struct fs_broker *b, uint64_t fh, uint32_t class);
/* Drops a reference. A RELEASE that waited for it is queued for its broker: then true. */
bool fs_file_put(struct fs_file *file);
/* The RELEASE that waits for this file will not be sent. fs.lock held by the caller. */
void fs_file_forget_release(struct fs_file *file);
/*
 * Takes the handle out of the table. When I/O on it is under way, the request r (packet in r->msg)
 * is left with the file and true is returned; else the descriptor is closed.
 */
bool fs_file_release(struct fs_broker *b, uint64_t fh, uint32_t class, struct fs_request *r);
/* Takes all handles of a class, or of BROKER_CLASS_COUNT: of all, out of the table. */
void fs_files_reset(struct fs_broker *b, uint32_t class);
/* A free entry, or NULL; one that is not needed any more. fs.lock held. */
struct fs_file *fs_file_take(void);
void fs_file_give(struct fs_file *file);
/* The file that the guest calls fh, or NULL. fs.lock held. */
struct fs_file *fs_file_at(struct fs_broker *b, uint64_t fh, uint32_t class);

/* virtio_fs_kept.c. Device thread; fs.lock is taken where nothing else is said. */

/* Keeps files, but no more than an eighth of what this process may have open. Before confinement ends. */
void fs_kept_start(void);
/* True when a LOOKUP should ask for the file to be opened ahead. */
bool fs_kept_wanted(void);
/* Answers an OPEN of the node with a file that is kept. False: nacre-fsd is to be asked. */
bool fs_kept_open(uint64_t node_id, uint32_t class, uint32_t flags, struct fuse_open_out *out);
/* Keeps a file that a LOOKUP brought. */
void fs_kept_add(struct fs_file *file);
/* Keeps the file of a handle that the guest releases. False: it is to be released. */
bool fs_kept_release(struct fs_broker *b, uint64_t node_id, uint64_t fh, uint32_t class);
/* Gives up the file that is kept of a node, if there is one. */
void fs_kept_drop(uint64_t node_id);
/* A LOOKUP brought a handle without its descriptor, as this process has no room: gives it back. */
void fs_kept_lost(const struct fs_request *r, uint64_t node_id, uint64_t fh);
/* Sends the RELEASEs of files that were given up, as far as the socket takes them. */
void fs_kept_flush(struct fs_broker *b);
/* The file is closed by the caller. fs.lock held. */
void fs_kept_remove(const struct fs_file *file);

/* virtio_fs_io.c: READ and WRITE, by the contract of serve(). dev->lock held, device thread. */
int fs_serve_io(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
		const struct fs_packet *p);

#endif
