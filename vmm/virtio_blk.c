/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-blk. See virtio_blk.h.
 *
 * A request's header is copied once and checked against the device's size and the chain's lengths;
 * the data goes between file and guest memory in one system call, with the device's lock released: a
 * slow disk holds up one queue. What was reset meanwhile is not answered. A request that makes no sense
 * gets an error (CVE-2020-17380 and its kin: lengths and sectors are checked by subtraction); a chain
 * without room for header or status is a broken driver.
 */
#include "virtio_blk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bytes.h"
#include "mmio.h"
#include "thread.h"

#define BIT(f)	   (UINT64_C(1) << (f))
#define QUEUE_SIZE 256u
/* Header and status take a descriptor each. */
#define SEG_MAX (QUEUE_SIZE - 2)
/* Longest transfer of one request, so that none holds a thread for long. */
#define TRANSFER_MAX (UINT32_C(64) << 20)
/* Longest range of one discard, in sectors. */
#define DISCARD_MAX (UINT32_C(1) << 22)

#define REQUEST_HDR sizeof(struct virtio_blk_outhdr)
static_assert(REQUEST_HDR == 16, "virtio 1.2 §5.2.6");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "headers and configuration are read as they lie");

struct blk {
	struct virtio_dev *dev;
	struct virtio_dev_ops ops;
	struct virtio_blk_config config;
	int fd;
	uint64_t sectors;
	bool read_only;
	char id[VIRTIO_BLK_ID_BYTES]; /* a name for the guest */
};

/* One queue's thread. */
struct worker {
	struct blk *blk;
	uint32_t queue;
};

static struct blk blks[BLK_MAX];
static struct worker workers[BLK_MAX * BLK_QUEUES_MAX];
static unsigned int n_blks;
static void (*thread_ready)(int err);

/* ---- requests: without the lock; each returns a VIRTIO_BLK_S_* ---- */

static uint8_t status_of(long done, uint64_t wanted)
{
	return done >= 0 && (uint64_t)done == wanted ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

/* Moves whole sectors. *written gets what the driver may read. */
static uint8_t transfer(const struct blk *blk, const struct chain *c, bool to_guest,
			uint64_t sector, uint32_t *written)
{
	uint64_t len = to_guest ? c->write_len - 1 : c->read_len - REQUEST_HDR;
	struct iovec iov[QUEUE_SIZE];
	uint8_t status;
	long done;
	int n;

	if (len % BLK_SECTOR || len > TRANSFER_MAX ||
	    !range_fits(sector, len / BLK_SECTOR, blk->sectors) || (!to_guest && blk->read_only))
		return VIRTIO_BLK_S_IOERR;
	n = chain_iov(c, blk->dev->mem, to_guest, to_guest ? 0 : REQUEST_HDR, len, iov,
		      QUEUE_SIZE);
	if (n < 0)
		return VIRTIO_BLK_S_IOERR;
	if (n == 0)
		return VIRTIO_BLK_S_OK;
	/* The offset in two halves: the kernel puts them together on 32 bits only. */
	done = syscall(to_guest ? SYS_preadv2 : SYS_pwritev2, blk->fd, iov, n,
		       (long)(sector * BLK_SECTOR), 0L, 0);
	status = status_of(done, len);
	if (to_guest && status == VIRTIO_BLK_S_OK)
		*written = (uint32_t)len;
	return status;
}

/* §5.2.6.2: one range, as the configuration says. */
static uint8_t erase(const struct blk *blk, const struct chain *c, bool zeroes)
{
	struct virtio_blk_discard_write_zeroes range;
	int mode = FALLOC_FL_KEEP_SIZE;

	if (blk->read_only || c->read_len != REQUEST_HDR + sizeof(range) ||
	    chain_read(c, blk->dev->mem, REQUEST_HDR, &range, sizeof(range)))
		return VIRTIO_BLK_S_IOERR;
	/* "the device MUST set the status byte to VIRTIO_BLK_S_UNSUPP": unknown flags */
	if (range.flags & ~(zeroes ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0u))
		return VIRTIO_BLK_S_UNSUPP;
	if (range.num_sectors > DISCARD_MAX ||
	    !range_fits(range.sector, range.num_sectors, blk->sectors))
		return VIRTIO_BLK_S_IOERR;
	if (range.num_sectors == 0)
		return VIRTIO_BLK_S_OK;
	mode |= zeroes && !range.flags ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE;
	if (fallocate(blk->fd, mode, (off_t)(range.sector * BLK_SECTOR),
		      (off_t)range.num_sectors * BLK_SECTOR) == 0)
		return VIRTIO_BLK_S_OK;
	/* A discard is advice; zeroes that a file system cannot make the guest writes itself. */
	if (errno == EOPNOTSUPP)
		return zeroes ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_OK;
	return VIRTIO_BLK_S_IOERR;
}

static uint8_t tell_id(const struct blk *blk, const struct chain *c, uint32_t *written)
{
	if (c->write_len < sizeof(blk->id) + 1 ||
	    chain_write(c, blk->dev->mem, 0, blk->id, sizeof(blk->id)))
		return VIRTIO_BLK_S_IOERR;
	*written = sizeof(blk->id);
	return VIRTIO_BLK_S_OK;
}

static uint8_t carry_out(const struct blk *blk, const struct chain *c,
			 const struct virtio_blk_outhdr *h, uint32_t *written)
{
	switch (h->type) {
	case VIRTIO_BLK_T_IN:
		return transfer(blk, c, true, h->sector, written);
	case VIRTIO_BLK_T_OUT:
		return transfer(blk, c, false, h->sector, written);
	case VIRTIO_BLK_T_FLUSH:
		return fdatasync(blk->fd) ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_GET_ID:
		return tell_id(blk, c, written);
	case VIRTIO_BLK_T_DISCARD:
		return erase(blk, c, false);
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return erase(blk, c, true);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

/* ---- the queue ---- */

/*
 * One request. Lock held, but not while the disk works: the queue may be reset then, and the chain with
 * it. 0 or negative.
 */
static int serve(struct virtio_dev *dev, struct virtq *q, const struct chain *c)
{
	const struct blk *blk = dev->ctx;
	uint32_t generation = dev->generation, written = 0;
	struct virtio_blk_outhdr h;
	uint8_t status;

	if (c->read_len < REQUEST_HDR || c->write_len < sizeof(status) ||
	    chain_read(c, dev->mem, 0, &h, REQUEST_HDR))
		return -EPROTO;
	pthread_mutex_unlock(&dev->lock);
	status = carry_out(blk, c, &h, &written);
	pthread_mutex_lock(&dev->lock);
	if (dev->generation != generation || !dev_is_live(dev))
		return 0;
	if (chain_write(c, dev->mem, c->write_len - 1, &status, sizeof(status)))
		return -EPROTO;
	if (virtq_push(q, c->head, written + (uint32_t)sizeof(status)))
		return -EPROTO;
	/* The next one may take long. */
	dev_interrupt(dev, (uint32_t)(q - dev->queue));
	return 0;
}

static void notify(struct virtio_dev *dev, uint32_t q)
{
	dev_serve_queue(dev, q, serve);
}

/* ---- the device ---- */

static void init_ops(struct blk *blk, unsigned int n_queues)
{
	blk->ops = (struct virtio_dev_ops){
		.name = "virtio-blk",
		.device_id = VIRTIO_ID_BLOCK,
		.features = BIT(VIRTIO_BLK_F_SEG_MAX) | BIT(VIRTIO_BLK_F_FLUSH),
		.n_queues = n_queues,
		.queue_size_max = QUEUE_SIZE,
		.config = &blk->config,
		.config_len = sizeof(blk->config),
		.own_threads = true,
		.notify = notify,
	};
	if (n_queues > 1)
		blk->ops.features |= BIT(VIRTIO_BLK_F_MQ);
	blk->ops.features |= blk->read_only ? BIT(VIRTIO_BLK_F_RO)
					    : BIT(VIRTIO_BLK_F_DISCARD) |
						      BIT(VIRTIO_BLK_F_WRITE_ZEROES);
}

int virtio_blk_init(struct virtio_dev *dev, const struct blk_options *o)
{
	struct blk *blk = &blks[n_blks];

	if (n_blks == BLK_MAX || o->n_queues == 0 || o->n_queues > BLK_QUEUES_MAX ||
	    o->bytes % BLK_SECTOR)
		return -EINVAL;
	*blk = (struct blk){ .dev = dev, .fd = o->fd, .sectors = o->bytes / BLK_SECTOR,
			     .read_only = o->read_only };
	snprintf(blk->id, sizeof(blk->id), "nacre-%u", n_blks++);
	blk->config = (struct virtio_blk_config){
		.capacity = blk->sectors,
		.seg_max = SEG_MAX,
		.num_queues = (uint16_t)o->n_queues,
		.max_discard_sectors = DISCARD_MAX,
		.max_discard_seg = 1,
		.discard_sector_alignment = 1,
		.max_write_zeroes_sectors = DISCARD_MAX,
		.max_write_zeroes_seg = 1,
		.write_zeroes_may_unmap = 1,
	};
	init_ops(blk, o->n_queues);
	*dev = (struct virtio_dev){ .ops = &blk->ops, .ctx = blk };
	return 0;
}

static void *serve_queue(void *arg)
{
	const struct worker *w = arg;
	int r = loop_init();

	thread_ready(r ? r : mmio_listen(w->blk->dev, w->queue, 1));
	loop_run();
	return NULL;
}

int virtio_blk_start_threads(void (*ready)(int err))
{
	unsigned int n = 0;
	int r = 0;

	thread_ready = ready;
	for (unsigned int i = 0; i < n_blks; i++) {
		for (uint32_t q = 0; q < blks[i].ops.n_queues && !r; q++) {
			workers[n] = (struct worker){ .blk = &blks[i], .queue = q };
			r = thread_start(serve_queue, &workers[n++]);
		}
	}
	return r;
}
