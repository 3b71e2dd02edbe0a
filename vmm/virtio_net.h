/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net (virtio 1.2 §5.1): one device for each interface of the container, each on a thread of
 * its own.
 *
 * What the frames come from and go to is a port: a queue of a tap device, or a stream socket with
 * passt (virtio_net_core.h). All functions run on the main thread before the filters, but for what a
 * test calls.
 */
#ifndef NACRE_VMM_VIRTIO_NET_H
#define NACRE_VMM_VIRTIO_NET_H

#include "dev.h"

#define NET_MAX	      4u /* devices of a VM */
#define NET_PAIRS_MAX 4u /* queue pairs of a device */

/* Bytes and frames per second of one direction; 0: as many as come. */
struct net_rate {
	uint64_t bytes, frames;
};

struct net_options {
	uint8_t mac[6];
	uint16_t mtu;
	unsigned int n_taps;
	int tap[NET_PAIRS_MAX]; /* queues of one tap with a 12-byte header; O_NONBLOCK */
	unsigned int n_vhosts;	  /* 0, or n_taps and no rate: the host's kernel serves the queues */
	int vhost[NET_PAIRS_MAX]; /* of /dev/vhost-net, one for each queue */
	int stream;		/* with n_taps == 0: a connected stream socket, O_NONBLOCK */
	int watch;		/* netlink socket that hears of links, or -1 */
	uint32_t watch_index;	/* the interface there whose carrier the device's is */
	struct net_rate to_guest, from_guest;
};

/* Makes the device. 0, or -EINVAL when there are NET_MAX. */
int virtio_net_init(struct virtio_dev *dev, const struct net_options *o);

/* Takes all that device `i` serves to the calling thread's loop. 0 or -errno. */
int virtio_net_listen(unsigned int i);

/*
 * A thread for each device. It prepares its loop and then calls ready() with 0 or -errno, which
 * confines it. 0 or -errno.
 */
int virtio_net_start_threads(void (*ready)(int err));

#endif
