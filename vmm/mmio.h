/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-mmio transport, virtio 1.2 §4.2 (register layout version 2, no legacy interface).
 *
 * Registers are read and written by vCPU threads. Values are the guest's, in any order and from
 * several vCPUs at once; dev->lock serialises them. Queue addresses and sizes are frozen from
 * QueueReady on, everything about queues from DRIVER_OK on.
 */
#ifndef NACRE_VMM_MMIO_H
#define NACRE_VMM_MMIO_H

#include "dev.h"

#define MMIO_WINDOW 0x1000u /* bytes of address space per device */

/*
 * Makes a device ready for the guest: lock, eventfds, and (but for ops->own_threads) its
 * notifications in the caller's loop. 0 or -errno.
 */
int mmio_attach(struct virtio_dev *dev, const struct gmem *mem);

/* Of the device and of the transport. */
uint64_t mmio_offered_features(const struct virtio_dev *dev);

/* Takes the notifications of queues [first, first + n) to the calling thread's loop. 0 or -errno. */
int mmio_listen(struct virtio_dev *dev, uint32_t first, uint32_t n);

/*
 * A guest's access of `len` (1, 2, 4, 8) bytes at `off` of the device's window. Reads of what does
 * not exist give zeros, writes to it do nothing. vCPU thread.
 */
void mmio_read(struct virtio_dev *dev, uint64_t off, void *data, unsigned int len);
void mmio_write(struct virtio_dev *dev, uint64_t off, const void *data, unsigned int len);

#endif
