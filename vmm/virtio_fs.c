/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-fs: queues, requests, routing. See virtio_fs.h and virtio_fs_core.h.
 *
 * The guest's bytes are copied once: the FUSE header first, then the body behind it (of a WRITE
 * only its fixed part; the data goes from guest memory to the file without a copy of ours). What
 * the copies say decides; a chain without room for a header or an answer is a broken driver.
 */
#include "virtio_fs_core.h"

#include <errno.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct fs_state fs = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

/* The request being routed, copied from its chain. Device thread. */
static struct fs_packet packet;

struct fs_device *fs_device_of(const struct virtio_dev *dev)
{
	return fs.device[BROKER_CLASS_ROOT].dev == dev ? &fs.device[BROKER_CLASS_ROOT]
						       : &fs.device[BROKER_CLASS_VOLUME];
}

static uint32_t class_of(const struct virtio_dev *dev)
{
	return (uint32_t)(fs_device_of(dev) - fs.device);
}

static uint32_t queue_index(const struct virtio_dev *dev, const struct virtq *q)
{
	return (uint32_t)(q - dev->queue);
}

void fs_list_push(struct fs_list *l, struct fs_request *r)
{
	uint32_t i = (uint32_t)(r - fs.request) + 1;

	r->next = 0;
	if (l->last)
		fs.request[l->last - 1].next = i;
	else
		l->first = i;
	l->last = i;
}

struct fs_request *fs_list_pop(struct fs_list *l)
{
	struct fs_request *r;

	if (!l->first)
		return NULL;
	r = &fs.request[l->first - 1];
	l->first = r->next;
	if (!l->first)
		l->last = 0;
	return r;
}

void fs_stall(struct virtio_dev *dev, uint32_t q)
{
	fs_device_of(dev)->stalled[q] = true;
}

void fs_unstall(void)
{
	uint64_t one = 1;

	for (uint32_t c = 0; c < BROKER_CLASS_COUNT; c++) {
		for (uint32_t q = 0; q < FS_QUEUES; q++) {
			if (!fs.device[c].stalled[q])
				continue;
			fs.device[c].stalled[q] = false;
			/* An eventfd that is at its maximum is signalled all the same. */
			if (write(fs.device[c].dev->kick[q].fd, &one, sizeof(one)) < 0)
				continue;
		}
	}
}

/* The lowest free tag, so that few of the slots are ever touched. fs.lock held. */
static struct fs_request *take_tag(void)
{
	for (uint32_t w = 0; w < BROKER_TAGS / 64; w++) {
		uint32_t bit;

		if (fs.tags_used[w] == UINT64_MAX)
			continue;
		bit = (uint32_t)__builtin_ctzll(~fs.tags_used[w]);
		fs.tags_used[w] |= UINT64_C(1) << bit;
		return &fs.request[w * 64 + bit];
	}
	return NULL;
}

static void copy_chain(struct chain *to, const struct chain *from)
{
	size_t n = (size_t)from->n_read + from->n_write;

	memcpy(to, from, offsetof(struct chain, piece) + n * sizeof(from->piece[0]));
}

struct fs_request *fs_request_take(struct virtio_dev *dev, uint32_t q, const struct chain *c,
				   const struct fuse_in_header *hdr)
{
	struct fs_request *r;

	pthread_mutex_lock(&fs.lock);
	r = take_tag();
	if (!r)
		fs_stall(dev, q);
	pthread_mutex_unlock(&fs.lock);
	if (!r)
		return NULL;
	memset(r, 0, offsetof(struct fs_request, msg));
	r->state = FS_HELD;
	r->dev = dev;
	r->queue = q;
	r->generation = dev->generation;
	r->session = fs_device_of(dev)->session;
	r->class = class_of(dev);
	r->unique = hdr->unique;
	r->node_id = hdr->nodeid;
	r->opcode = hdr->opcode;
	copy_chain(&r->chain, c);
	return r;
}

/* fs.lock held. */
static void give_tag(struct fs_request *r)
{
	uint32_t tag = (uint32_t)(r - fs.request);

	r->state = FS_FREE;
	fs.tags_used[tag / 64] &= ~(UINT64_C(1) << (tag % 64));
}

void fs_request_free(struct fs_request *r)
{
	pthread_mutex_lock(&fs.lock);
	give_tag(r);
	fs_unstall();
	pthread_mutex_unlock(&fs.lock);
}

void fs_request_untake(struct fs_request *r)
{
	pthread_mutex_lock(&fs.lock);
	give_tag(r);
	pthread_mutex_unlock(&fs.lock);
}

bool fs_session_is_current(const struct fs_request *r)
{
	return r->session == fs.device[r->class].session;
}

int fs_answer(struct virtio_dev *dev, struct virtq *q, const struct chain *c, uint64_t unique,
	      int error, const void *body, size_t len)
{
	struct fuse_out_header out;
	int r;

	if (!error && !range_fits(sizeof(out), len, c->write_len))
		error = -EIO;
	if (error)
		len = 0;
	out = (struct fuse_out_header){
		.len = (uint32_t)(sizeof(out) + len), .error = error, .unique = unique};
	r = chain_write(c, dev->mem, 0, &out, sizeof(out));
	if (!r && len && body)
		r = chain_write(c, dev->mem, sizeof(out), body, len);
	return r ? r : virtq_push(q, c->head, out.len);
}

void fs_request_complete(struct fs_request *r, int error, const void *body, size_t len)
{
	struct virtio_dev *dev = r->dev;

	pthread_mutex_lock(&dev->lock);
	if (r->generation == dev->generation && dev_is_live(dev) &&
	    fs_answer(dev, &dev->queue[r->queue], &r->chain, r->unique, error, body, len))
		dev_needs_reset(dev, r->queue, "cannot complete a request");
	pthread_mutex_unlock(&dev->lock);
	fs_request_free(r);
}

void fs_interrupt(struct virtio_dev *dev, uint32_t q)
{
	bool due;

	pthread_mutex_lock(&dev->lock);
	due = dev_interrupt_is_due(dev, q);
	pthread_mutex_unlock(&dev->lock);
	if (due)
		dev_signal(dev);
}

/* The socket is full: the chain is put back, and the queue goes on when there is room. */
static void put_off(struct virtio_dev *dev, const struct virtq *q)
{
	pthread_mutex_lock(&fs.lock);
	fs_stall(dev, queue_index(dev, q));
	pthread_mutex_unlock(&fs.lock);
}

/* Hands a packet without an answer (FORGET) to its broker. */
static int serve_quiet(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
		       struct fs_packet *p, uint64_t node_id)
{
	struct fs_broker *b = fs_broker_of_node(node_id);

	if (b && fs_broker_send(b, p, NULL) == -EAGAIN) {
		put_off(dev, q);
		return 1;
	}
	return virtq_push(q, c->head, 0);
}

/* No file of a node that the guest forgets stays open; its number may be another's soon. */
static void drop_forgotten(const struct fs_packet *p)
{
	struct cursor body = cursor_over(p->body, p->hdr.len - sizeof(p->hdr));
	const struct fuse_forget_one *one;

	if (p->hdr.opcode == FUSE_FORGET) {
		fs_kept_drop(p->hdr.nodeid);
		return;
	}
	(void)cursor_take(&body, sizeof(struct fuse_batch_forget_in));
	while ((one = cursor_take(&body, sizeof(*one))))
		fs_kept_drop(one->nodeid);
}

/*
 * BATCH_FORGET names no node in its header. The entries must be of one container; no Linux driver
 * of virtio-fs sends any, and of a mixed one the lookups stay counted until the session ends.
 */
static int serve_batch_forget(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
			      struct fs_packet *p)
{
	struct cursor body = cursor_over(p->body, p->hdr.len - sizeof(p->hdr));
	const struct fuse_batch_forget_in *in = cursor_take(&body, sizeof(*in));
	const struct fuse_forget_one *one = cursor_take(&body, sizeof(*one));
	uint64_t node_id = one ? one->nodeid : 0;

	for (uint32_t i = 1; one && i < in->count; i++) {
		one = cursor_take(&body, sizeof(*one));
		if (!one || one->nodeid >> BROKER_NODE_SHIFT != node_id >> BROKER_NODE_SHIFT)
			return virtq_push(q, c->head, 0);
	}
	drop_forgotten(p);
	return serve_quiet(dev, q, c, p, node_id);
}

/* The second node of a request that names two, or the first again. */
static uint64_t second_node(const struct fs_packet *p)
{
	size_t len = p->hdr.len - sizeof(p->hdr);
	uint64_t id;

	switch (p->hdr.opcode) {
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_LINK:
		/* newdir and oldnodeid are both the first field. */
		if (len < sizeof(id))
			return p->hdr.nodeid;
		memcpy(&id, p->body, sizeof(id));
		return id;
	case FUSE_COPY_FILE_RANGE:
		if (len < sizeof(struct fuse_copy_file_range_in))
			return p->hdr.nodeid;
		memcpy(&id, p->body + offsetof(struct fuse_copy_file_range_in, nodeid_out),
		       sizeof(id));
		return id;
	default:
		return p->hdr.nodeid;
	}
}

/*
 * RELEASE: not before the I/O on the handle has ended. If there is none the guest has its answer at once:
 * nothing can go wrong any more, and nacre-fsd hears of it before anything that the guest asks later.
 */
static int serve_release(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
			 struct fs_packet *p, struct fs_broker *b)
{
	struct fuse_release_in in;
	struct fs_request *r;
	int err;

	if (p->hdr.len != sizeof(p->hdr) + sizeof(in))
		return fs_answer(dev, q, c, p->hdr.unique, -EINVAL, NULL, 0);
	memcpy(&in, p->body, sizeof(in));
	if (fs_kept_release(b, p->hdr.nodeid, in.fh, class_of(dev)))
		return fs_answer(dev, q, c, p->hdr.unique, 0, NULL, 0);
	r = fs_request_take(dev, queue_index(dev, q), c, &p->hdr);
	if (!r)
		return 1;
	r->broker = b;
	/* Whole: a RELEASE that waits is queued by the thread that ends the I/O, as it is. */
	p->broker.tag = (uint32_t)(r - fs.request);
	r->msg_len = (uint32_t)(sizeof(p->broker) + p->hdr.len);
	memcpy(r->msg, p, r->msg_len);
	if (fs_file_release(b, in.fh, r->class, r))
		return 0;
	fs_request_untake(r);
	err = fs_broker_send(b, p, NULL);
	if (err != -EAGAIN)
		return fs_answer(dev, q, c, p->hdr.unique, err, NULL, 0);
	put_off(dev, q);
	return 1;
}

/* OPEN: answered here when a file is kept that serves it. False: it is not. *result is of serve(). */
static bool serve_open(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
		       const struct fs_packet *p, int *result)
{
	struct fuse_open_out out;
	struct fuse_open_in in;

	if (p->hdr.len != sizeof(p->hdr) + sizeof(in))
		return false;
	memcpy(&in, p->body, sizeof(in));
	if (!fs_kept_open(p->hdr.nodeid, class_of(dev), in.flags, &out))
		return false;
	*result = fs_answer(dev, q, c, p->hdr.unique, 0, &out, sizeof(out));
	return true;
}

static int forward(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
		   struct fs_packet *p, struct fs_broker *b)
{
	struct fs_request *r = fs_request_take(dev, queue_index(dev, q), c, &p->hdr);
	int err;

	if (!r)
		return 1;
	if (p->hdr.opcode == FUSE_OPEN || p->hdr.opcode == FUSE_CREATE ||
	    p->hdr.opcode == FUSE_TMPFILE)
		memcpy(&r->open_flags, p->body, sizeof(r->open_flags));
	if (p->hdr.opcode == FUSE_LOOKUP && fs_kept_wanted()) {
		r->open_ahead = true;
		p->broker.flags = BROKER_OPEN_AHEAD;
	}
	err = fs_broker_send(b, p, r);
	if (!err)
		return 0;
	fs_request_untake(r);
	if (err == -EAGAIN) {
		put_off(dev, q);
		return 1;
	}
	return fs_answer(dev, q, c, p->hdr.unique, err, NULL, 0);
}

static int route(struct virtio_dev *dev, struct virtq *q, const struct chain *c,
		 struct fs_packet *p)
{
	struct fs_broker *b;
	int result;

	if (p->hdr.opcode == FUSE_INIT)
		return fs_serve_init(dev, q, c, p);
	if (!fs_device_of(dev)->initialized)
		return fs_answer(dev, q, c, p->hdr.unique, -ENOTCONN, NULL, 0);
	if (p->hdr.opcode == FUSE_DESTROY) {
		fs_end_session(fs_device_of(dev));
		return fs_answer(dev, q, c, p->hdr.unique, 0, NULL, 0);
	}
	if (p->hdr.nodeid == FUSE_ROOT_ID)
		return fs_serve_top(dev, q, c, p);
	b = fs_broker_of_node(p->hdr.nodeid);
	if (!b)
		return fs_answer(dev, q, c, p->hdr.unique, -ESTALE, NULL, 0);
	if (second_node(p) >> BROKER_NODE_SHIFT != p->hdr.nodeid >> BROKER_NODE_SHIFT)
		return fs_answer(dev, q, c, p->hdr.unique, -EXDEV, NULL, 0);
	if (p->hdr.opcode == FUSE_READ || p->hdr.opcode == FUSE_WRITE)
		return fs_serve_io(dev, q, c, p);
	if (p->hdr.opcode == FUSE_RELEASE)
		return serve_release(dev, q, c, p, b);
	if (p->hdr.opcode == FUSE_OPEN && serve_open(dev, q, c, p, &result))
		return result;
	return forward(dev, q, c, p, b);
}

/* Copies the request out of its chain, of a WRITE not the data. 0 or -errno for the guest. */
static int copy_body(struct virtio_dev *dev, const struct chain *c, struct fs_packet *p)
{
	uint64_t len = c->read_len - sizeof(p->hdr);

	if (p->hdr.len != c->read_len)
		return -EINVAL;
	if (p->hdr.opcode == FUSE_WRITE && len > sizeof(struct fuse_write_in))
		len = sizeof(struct fuse_write_in);
	if (len > sizeof(p->body))
		return -E2BIG;
	return chain_read(c, dev->mem, sizeof(p->hdr), p->body, (size_t)len);
}

static int serve(struct virtio_dev *dev, struct virtq *q, const struct chain *c)
{
	struct fs_packet *p = &packet;
	int err;

	if (chain_read(c, dev->mem, 0, &p->hdr, sizeof(p->hdr)))
		return -EPROTO;
	p->broker = (struct broker_header){.class = (uint16_t)class_of(dev)};
	err = copy_body(dev, c, p);
	switch (p->hdr.opcode) {
	case FUSE_FORGET:
		/* Node 1 is not counted. */
		if (err || !fs_device_of(dev)->initialized || p->hdr.nodeid == FUSE_ROOT_ID)
			return virtq_push(q, c->head, 0);
		drop_forgotten(p);
		return serve_quiet(dev, q, c, p, p->hdr.nodeid);
	case FUSE_BATCH_FORGET:
		if (err || !fs_device_of(dev)->initialized)
			return virtq_push(q, c->head, 0);
		return serve_batch_forget(dev, q, c, p);
	case FUSE_INTERRUPT:
		/* Nothing here waits long enough to be worth it; FUSE lets a server ignore it. */
		return virtq_push(q, c->head, 0);
	}
	if (c->write_len < sizeof(struct fuse_out_header))
		return -EPROTO;
	if (err)
		return fs_answer(dev, q, c, p->hdr.unique, err, NULL, 0);
	return route(dev, q, c, p);
}

static void notify(struct virtio_dev *dev, uint32_t q)
{
	/* A worker may have left a RELEASE to send. */
	fs_brokers_flush();
	dev_serve_queue(dev, q, serve);
}

static void quiesce(struct virtio_dev *dev)
{
	fs_end_session(fs_device_of(dev));
}

static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* Sparse tables: a first entry must not bring 2 MiB into being. */
	(void)madvise(p, bytes, MADV_NOHUGEPAGE);
	return p;
}

/* All tables, at their full size; pages are touched as they are needed. */
static int reserve_tables(void)
{
	uint32_t *slots;

	if (fs.request)
		return 0;
	fs.file = reserve(FS_FILES_MAX * sizeof(fs.file[0]));
	slots = reserve((size_t)FS_BROKERS_MAX * BROKER_HANDLES * sizeof(slots[0]));
	fs.request = reserve(BROKER_TAGS * sizeof(fs.request[0]));
	if (!fs.file || !slots || !fs.request)
		return -ENOMEM;
	for (uint32_t i = 0; i < FS_BROKERS_MAX; i++)
		fs.broker[i].slot = slots + (size_t)i * BROKER_HANDLES;
	fs.n_kept_places = 1;
	return 0;
}

static const struct virtio_fs_config config[BROKER_CLASS_COUNT] = {
	[BROKER_CLASS_ROOT] = {.tag = "nacre", .num_request_queues = 1},
	[BROKER_CLASS_VOLUME] = {.tag = "nacre-volumes", .num_request_queues = 1},
};
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "num_request_queues is little-endian");

#define FS_OPS(class_name, class)                                                                  \
	{                                                                                          \
		.name = (class_name), .device_id = VIRTIO_ID_FS, .n_queues = FS_QUEUES,            \
		.queue_size_max = VIRTQ_SIZE_MAX, .queue0_size_max = FS_HIPRIO_SIZE,               \
		.config = &config[class], .config_len = sizeof(config[class]), .quiesce = quiesce, \
		.notify = notify,                                                                  \
	}

static const struct virtio_dev_ops ops[BROKER_CLASS_COUNT] = {
	[BROKER_CLASS_ROOT] = FS_OPS("virtio-fs", BROKER_CLASS_ROOT),
	[BROKER_CLASS_VOLUME] = FS_OPS("virtio-fs (volumes)", BROKER_CLASS_VOLUME),
};

int virtio_fs_init(struct virtio_dev *dev, enum broker_class class)
{
	int r = reserve_tables();

	if (r)
		return r;
	*dev = (struct virtio_dev){.ops = &ops[class]};
	fs.device[class] = (struct fs_device){.dev = dev};
	return 0;
}
