/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-fs (virtio 1.2 §5.11): takes FUSE requests off the queues, has nacre-fsd answer them
 * (include/broker.h), and does READ and WRITE itself on donated descriptors.
 */
#ifndef NACRE_VMM_VIRTIO_FS_H
#define NACRE_VMM_VIRTIO_FS_H

#include "broker.h"
#include "dev.h"

/*
 * Fills *dev as the virtio-fs device of a class: tag "nacre" or "nacre-volumes". At most one device
 * per class. All memory is allocated here, before confinement. 0 or -errno. Main thread.
 */
int virtio_fs_init(struct virtio_dev *dev, enum broker_class class);

/*
 * Connects container number `container` to its nacre-fsd. Takes socket_fd and adds it to the loop.
 * `lost` is called on the device thread when nacre-fsd closes it. 0 or -errno. Device thread, or
 * main thread before the loop runs.
 */
int virtio_fs_add_broker(uint32_t container, int socket_fd, void (*lost)(uint32_t container));

/*
 * Starts the threads that do READ and WRITE; each calls confine() first of all. Looks how many descriptors
 * the process may have. 0 or -errno. Main thread, after privileges were dropped, before its own filter.
 */
int virtio_fs_start_workers(void (*confine)(void));

#endif
