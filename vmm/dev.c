/* SPDX-License-Identifier: Apache-2.0 */
/* What every virtio device does alike. See dev.h. */
#include "dev.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <unistd.h>

#include "log.h"

void dev_signal(const struct virtio_dev *dev)
{
	uint64_t one = 1;

	/* An eventfd that is already at its maximum is signalled all the same. */
	if (write(dev->irq_fd, &one, sizeof(one)) < 0)
		return;
}

static void raise_irq(struct virtio_dev *dev, uint32_t bit)
{
	__atomic_fetch_or(&dev->interrupt_status, bit, __ATOMIC_SEQ_CST);
	dev_signal(dev);
}

uint16_t dev_queue_size_max(const struct virtio_dev *dev, uint32_t q)
{
	if (q == 0 && dev->ops->queue0_size_max)
		return dev->ops->queue0_size_max;
	return dev->ops->queue_size_max;
}

bool dev_is_live(const struct virtio_dev *dev)
{
	return (dev->status & VIRTIO_CONFIG_S_DRIVER_OK) &&
	       !(dev->status & (VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED));
}

bool dev_interrupt_is_due(struct virtio_dev *dev, uint32_t q)
{
	if (!dev_is_live(dev) || !virtq_wants_interrupt(&dev->queue[q]))
		return false;
	__atomic_fetch_or(&dev->interrupt_status, VIRTIO_MMIO_INT_VRING, __ATOMIC_SEQ_CST);
	return true;
}

void dev_interrupt(struct virtio_dev *dev, uint32_t q)
{
	if (dev_interrupt_is_due(dev, q))
		dev_signal(dev);
}

void dev_config_changed(struct virtio_dev *dev)
{
	dev->config_generation++;
	if (dev_is_live(dev))
		raise_irq(dev, VIRTIO_MMIO_INT_CONFIG);
}

void dev_serve_queue(struct virtio_dev *dev, uint32_t qi,
		     int (*serve)(struct virtio_dev *dev, struct virtq *q, const struct chain *c))
{
	static _Thread_local struct chain c; /* 32 KiB, touched as far as chains go */
	struct virtq *q = &dev->queue[qi];
	uint64_t one = 1;
	int r = 0;

	for (unsigned int n = 0; n < q->size; n++) {
		r = virtq_pop(q, &c);
		if (r <= 0)
			break;
		r = serve(dev, q, &c);
		if (r)
			break;
	}
	if (r < 0) {
		dev_needs_reset(dev, qi, "bad descriptor chain");
		return;
	}
	if (r > 0)
		virtq_unpop(q, &c);
	virtq_set_notify(q, true);
	dev_interrupt(dev, qi);
	/* What the driver added before it saw our wish comes without a notification. */
	if (r == 0 && virtq_pending(q) && write(dev->kick[qi].fd, &one, sizeof(one)) < 0)
		return;
}

void dev_needs_reset(struct virtio_dev *dev, uint32_t q, const char *why)
{
	if (dev->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	for (uint32_t i = 0; i < dev->ops->n_queues; i++)
		dev->queue[i].broken = true;
	dev->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (q == UINT32_MAX)
		log_guest("%s: needs reset: %s", dev->ops->name, why);
	else
		log_guest("%s queue %u: needs reset: %s", dev->ops->name, q, why);
	/* virtio 1.2 §2.1.2: the device MUST send a device configuration change notification. */
	if (dev->status & VIRTIO_CONFIG_S_DRIVER_OK)
		raise_irq(dev, VIRTIO_MMIO_INT_CONFIG);
}
