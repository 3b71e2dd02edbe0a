/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtio-mmio driver for unit tests: does to the registers of a device what a guest's driver does,
 * well or badly. The device lives on fake guest memory and the real loop.
 */
#ifndef NACRE_TESTS_FAKE_DRIVER_H
#define NACRE_TESTS_FAKE_DRIVER_H

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#include "fake_guest.h"
#include "vmm/mmio.h"

static inline uint32_t reg_read(struct virtio_dev *dev, uint32_t off)
{
	uint32_t v;

	mmio_read(dev, off, &v, sizeof(v));
	return v;
}

static inline void reg_write(struct virtio_dev *dev, uint32_t off, uint32_t v)
{
	mmio_write(dev, off, &v, sizeof(v));
}

/* Steps 1 to 6 of virtio 1.2 §3.1.1, accepting the given features. Returns the status then. */
static inline uint32_t driver_negotiate(struct virtio_dev *dev, uint64_t features)
{
	uint32_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

	reg_write(dev, VIRTIO_MMIO_STATUS, 0);
	reg_write(dev, VIRTIO_MMIO_STATUS, status);
	for (uint32_t sel = 0; sel < 2; sel++) {
		reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, sel);
		reg_write(dev, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> (32 * sel)));
	}
	reg_write(dev, VIRTIO_MMIO_STATUS, status | VIRTIO_CONFIG_S_FEATURES_OK);
	return reg_read(dev, VIRTIO_MMIO_STATUS);
}

/* Programs one queue and makes it ready. */
static inline void driver_queue(struct virtio_dev *dev, uint32_t q, const struct fake_driver *d)
{
	reg_write(dev, VIRTIO_MMIO_QUEUE_SEL, q);
	reg_write(dev, VIRTIO_MMIO_QUEUE_NUM, d->size);
	reg_write(dev, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)d->desc);
	reg_write(dev, VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(d->desc >> 32));
	reg_write(dev, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)d->avail);
	reg_write(dev, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (uint32_t)(d->avail >> 32));
	reg_write(dev, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)d->used);
	reg_write(dev, VIRTIO_MMIO_QUEUE_USED_HIGH, (uint32_t)(d->used >> 32));
	reg_write(dev, VIRTIO_MMIO_QUEUE_READY, 1);
}

static inline void driver_ok(struct virtio_dev *dev)
{
	reg_write(dev, VIRTIO_MMIO_STATUS, reg_read(dev, VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_DRIVER_OK);
}

static inline void driver_notify(struct virtio_dev *dev, uint32_t q)
{
	reg_write(dev, VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

#define FEATURE_VERSION_1 (UINT64_C(1) << VIRTIO_F_VERSION_1)

#endif
