/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio-mmio transport. See mmio.h. */
#include "mmio.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bytes.h"
#include "times.h"

#define MMIO_MAGIC     0x74726976u /* "virt", §4.2.2 */
#define MMIO_VERSION   2u
#define MMIO_VENDOR_ID 0x4352434eu /* "NCRC" */

uint64_t mmio_offered_features(const struct virtio_dev *dev)
{
	return dev->ops->features | UINT64_C(1) << VIRTIO_F_VERSION_1 |
	       UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX;
}

static void on_kick(void *ctx, uint32_t events)
{
	struct dev_kick *kick = ctx;
	struct virtio_dev *dev = kick->dev;

	(void)events;
	pthread_mutex_lock(&dev->lock);
	if (dev->quiesce_due) {
		dev->quiesce_due = false;
		if (dev->ops->quiesce)
			dev->ops->quiesce(dev);
	}
	times_stamp(VM_STAMP_DRIVERS);
	if (dev_is_live(dev) && dev->queue[kick->q].ready)
		dev->ops->notify(dev, kick->q);
	pthread_mutex_unlock(&dev->lock);
}

int mmio_listen(struct virtio_dev *dev, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++) {
		struct dev_kick *kick = &dev->kick[i];
		/* Edges: each write to an eventfd is one, and nobody has to read it. */
		int r = loop_add(&kick->src, kick->fd, EPOLLIN | EPOLLET, on_kick, kick);

		if (r)
			return r;
	}
	return 0;
}

int mmio_attach(struct virtio_dev *dev, const struct gmem *mem)
{
	dev->mem = mem;
	pthread_mutex_init(&dev->lock, NULL);
	dev->irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (dev->irq_fd < 0)
		return -errno;
	for (uint32_t i = 0; i < dev->ops->n_queues; i++) {
		struct dev_kick *kick = &dev->kick[i];

		kick->dev = dev;
		kick->q = i;
		kick->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (kick->fd < 0)
			return -errno;
	}
	return dev->ops->own_threads ? 0 : mmio_listen(dev, 0, dev->ops->n_queues);
}

static struct virtq *selected_queue(struct virtio_dev *dev)
{
	return dev->queue_sel < dev->ops->n_queues ? &dev->queue[dev->queue_sel] : NULL;
}

static uint32_t read_register(struct virtio_dev *dev, uint64_t off)
{
	const struct virtq *q = selected_queue(dev);

	switch (off) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MMIO_MAGIC;
	case VIRTIO_MMIO_VERSION:
		return MMIO_VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return dev->ops->device_id;
	case VIRTIO_MMIO_VENDOR_ID:
		return MMIO_VENDOR_ID;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		if (dev->features_sel > 1)
			return 0;
		return (uint32_t)(mmio_offered_features(dev) >> (32 * dev->features_sel));
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return q ? dev_queue_size_max(dev, dev->queue_sel) : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return q && q->ready;
	case VIRTIO_MMIO_STATUS:
		return dev->status;
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		/* §4.2.2: a length of -1 says that the shared memory region does not exist. */
		return UINT32_MAX;
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return dev->config_generation;
	default:
		return 0;
	}
}

static void notify_queue(struct virtio_dev *dev, uint32_t q)
{
	uint64_t one = 1;

	/* KVM_IOEVENTFD usually takes these; a value with no queue arrives here and is dropped. */
	if (q < dev->ops->n_queues && write(dev->kick[q].fd, &one, sizeof(one)) < 0)
		return;
}

static void reset(struct virtio_dev *dev)
{
	dev->status = 0;
	dev->driver_features = 0;
	dev->features_sel = dev->driver_features_sel = dev->queue_sel = 0;
	__atomic_store_n(&dev->interrupt_status, 0, __ATOMIC_SEQ_CST);
	dev->generation++;
	for (uint32_t i = 0; i < dev->ops->n_queues; i++)
		virtq_reset(&dev->queue[i]);
	if (dev->ops->reset)
		dev->ops->reset(dev);
	dev->quiesce_due = true;
	notify_queue(dev, 0);
}

static void write_status(struct virtio_dev *dev, uint32_t value)
{
	uint32_t added = value & ~dev->status;

	if (value == 0) {
		reset(dev);
		return;
	}
	/* §3.1.1 step 6: FEATURES_OK stays unset when we cannot work with what was accepted. */
	if (added & VIRTIO_CONFIG_S_FEATURES_OK) {
		bool subset = !(dev->driver_features & ~mmio_offered_features(dev));
		bool modern = dev->driver_features >> VIRTIO_F_VERSION_1 & 1;

		if (!subset || !modern)
			added &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
	}
	dev->status |= added & (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
				VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_FAILED);
	if (!(added & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	if (!(dev->status & VIRTIO_CONFIG_S_FEATURES_OK)) {
		dev_needs_reset(dev, UINT32_MAX, "DRIVER_OK before FEATURES_OK");
		return;
	}
	dev->status |= VIRTIO_CONFIG_S_DRIVER_OK;
	if (dev->ops->activate)
		dev->ops->activate(dev);
}

static void set_low(gpa_t *gpa, uint32_t value)
{
	gpa->v = (gpa->v & ~UINT64_C(0xffffffff)) | value;
}

static void set_high(gpa_t *gpa, uint32_t value)
{
	gpa->v = (gpa->v & UINT64_C(0xffffffff)) | (uint64_t)value << 32;
}

static void start_queue(struct virtio_dev *dev, struct virtq *q)
{
	q->event_idx = dev->driver_features >> VIRTIO_RING_F_EVENT_IDX & 1;
	if (virtq_start(q, dev->mem))
		dev_needs_reset(dev, dev->queue_sel, "size, alignment or address of the ring");
}

/* Queue registers: ignored once the queue is ready or the driver is (CVE-2026-5747 of others). */
static void write_queue_register(struct virtio_dev *dev, uint64_t off, uint32_t value)
{
	struct virtq *q = selected_queue(dev);

	if (!q || dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		return;
	if (!(dev->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	if (off == VIRTIO_MMIO_QUEUE_READY) {
		if (value == 1 && !q->ready)
			start_queue(dev, q);
		else if (value == 0)
			virtq_reset(q);
		return;
	}
	if (q->ready)
		return;
	switch (off) {
	case VIRTIO_MMIO_QUEUE_NUM:
		q->size = value <= dev_queue_size_max(dev, dev->queue_sel) ? (uint16_t)value : 0;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
		set_low(&q->desc, value);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_high(&q->desc, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
		set_low(&q->avail, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_high(&q->avail, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
		set_low(&q->used, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_high(&q->used, value);
		break;
	}
}

static void write_driver_features(struct virtio_dev *dev, uint32_t value)
{
	unsigned int shift = 32 * dev->driver_features_sel;

	/* Frozen by FEATURES_OK (§3.1.1). */
	if (dev->driver_features_sel > 1 || dev->status & VIRTIO_CONFIG_S_FEATURES_OK)
		return;
	dev->driver_features &= ~(UINT64_C(0xffffffff) << shift);
	dev->driver_features |= (uint64_t)value << shift;
}

static void write_register(struct virtio_dev *dev, uint64_t off, uint32_t value)
{
	switch (off) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		dev->features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		dev->driver_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		write_driver_features(dev, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		dev->queue_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		notify_queue(dev, value);
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(dev, value);
		break;
	default:
		write_queue_register(dev, off, value);
	}
}

static void read_config(const struct virtio_dev *dev, uint64_t off, void *data, unsigned int len)
{
	if (range_fits(off, len, dev->ops->config_len))
		memcpy(data, (const uint8_t *)dev->ops->config + off, len);
}

void mmio_read(struct virtio_dev *dev, uint64_t off, void *data, unsigned int len)
{
	uint32_t value;

	memset(data, 0, len);
	if (off == VIRTIO_MMIO_INTERRUPT_STATUS && len == sizeof(value)) {
		/* At every interrupt: not behind a thread that moves data with the lock held. */
		value = __atomic_load_n(&dev->interrupt_status, __ATOMIC_SEQ_CST);
		if (dev->ops->in_kernel)
			value |= VIRTIO_MMIO_INT_VRING;
		memcpy(data, &value, sizeof(value));
		return;
	}
	pthread_mutex_lock(&dev->lock);
	if (off >= VIRTIO_MMIO_CONFIG) {
		read_config(dev, off - VIRTIO_MMIO_CONFIG, data, len);
	} else if (len == sizeof(value) && off % sizeof(value) == 0) {
		/* §4.2.2.2: the driver MUST use 32 bit wide and aligned accesses. */
		value = read_register(dev, off);
		memcpy(data, &value, sizeof(value));
	}
	pthread_mutex_unlock(&dev->lock);
}

void mmio_write(struct virtio_dev *dev, uint64_t off, const void *data, unsigned int len)
{
	uint32_t value;

	/* No device has a configuration field that the driver may write. */
	if (off >= VIRTIO_MMIO_CONFIG || len != sizeof(value) || off % sizeof(value))
		return;
	memcpy(&value, data, sizeof(value));
	if (off == VIRTIO_MMIO_INTERRUPT_ACK) {
		__atomic_fetch_and(&dev->interrupt_status, ~value, __ATOMIC_SEQ_CST);
		return;
	}
	pthread_mutex_lock(&dev->lock);
	write_register(dev, off, value);
	pthread_mutex_unlock(&dev->lock);
}
