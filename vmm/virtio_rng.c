/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-rng. One queue; the driver offers writable buffers, the device fills them.
 *
 * A buffer's length is the guest's: each request is given at most CHUNK bytes (the used length tells
 * the driver, §5.4.6.2 allows less), and one notification serves at most the ring's size of requests,
 * so neither memory nor time is the guest's to choose.
 */
#include "virtio_rng.h"

#include <linux/virtio_ids.h>
#include <sys/random.h>

#define CHUNK 256u

/* One request. 0, or negative when the queue is broken. */
static int serve(struct virtio_dev *dev, struct virtq *q, const struct chain *c)
{
	uint8_t bytes[CHUNK];
	uint32_t len = c->write_len < CHUNK ? (uint32_t)c->write_len : CHUNK;
	ssize_t got = getrandom(bytes, len, 0);
	int r;

	/* Up to 256 bytes getrandom neither blocks (after boot) nor is interrupted. */
	if (got < 0)
		got = 0;
	r = chain_write(c, dev->mem, 0, bytes, (size_t)got);
	return r ? r : virtq_push(q, c->head, (uint32_t)got);
}

static void notify(struct virtio_dev *dev, uint32_t qi)
{
	dev_serve_queue(dev, qi, serve);
}

void virtio_rng_init(struct virtio_dev *dev)
{
	static const struct virtio_dev_ops ops = {
		.name = "virtio-rng",
		.device_id = VIRTIO_ID_RNG,
		.n_queues = 1,
		.queue_size_max = 16,
		.notify = notify,
	};

	*dev = (struct virtio_dev){ .ops = &ops };
}
