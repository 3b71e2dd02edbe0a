/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-blk (virtio 1.2 §5.2): a file or block device of the host, raw. Nothing in the VMM reads what
 * is in it: a format that is guessed from content is a guest's to choose (GHSA-jmr4-g2hv-mjj6).
 *
 * Each queue is served by a thread of its own, which waits for the disk. All functions run on the main
 * thread before the filters, but for what a test calls.
 */
#ifndef NACRE_VMM_VIRTIO_BLK_H
#define NACRE_VMM_VIRTIO_BLK_H

#include "dev.h"

#define BLK_MAX	       4u /* devices of a VM */
#define BLK_QUEUES_MAX 4u
#define BLK_SECTOR     512u

struct blk_options {
	int fd;
	uint64_t bytes; /* a multiple of BLK_SECTOR */
	bool read_only;
	unsigned int n_queues;
};

/* Makes the device. 0, or -EINVAL. */
int virtio_blk_init(struct virtio_dev *dev, const struct blk_options *o);

/* A thread for each queue of each device, which calls ready() as in virtio_net.h. 0 or -errno. */
int virtio_blk_start_threads(void (*ready)(int err));

#endif
