/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net: frames of the guest.
 *
 * The header is copied once and checked, and the copy is what the kernel gets; the frame goes from
 * guest memory to the port in one system call. A frame that makes no sense is dropped, as a network
 * may; a chain without room for the header is a broken driver. While a port is full the chain stays in
 * the queue and the thread waits for EPOLLOUT.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <sys/epoll.h>

#include "virtio_net_core.h"

#define QUEUE_OF(i) (2u * (i) + 1u) /* §5.1.2: transmitq1 is 1, transmitq2 is 3 */

static struct net *net_of(const struct virtio_dev *dev)
{
	return dev->ctx;
}

/* §5.1.6.2: a segmentation that was negotiated, with a checksum to complete. */
static bool gso_is_good(const struct net *net, const net_header *h)
{
	switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return !(h->gso_type & VIRTIO_NET_HDR_GSO_ECN);
	case VIRTIO_NET_HDR_GSO_TCPV4:
		if (!net_has(net, VIRTIO_NET_F_HOST_TSO4))
			return false;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		if (!net_has(net, VIRTIO_NET_F_HOST_TSO6))
			return false;
		break;
	default:
		return false;
	}
	if (h->gso_type & VIRTIO_NET_HDR_GSO_ECN && !net_has(net, VIRTIO_NET_F_HOST_ECN))
		return false;
	return h->gso_size && h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
}

/* Checks a header against the length of its frame, and clears what means nothing. */
static bool header_is_good(const struct net *net, net_header *h, uint64_t frame_len)
{
	h->num_buffers = 0;
	if (h->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM || !gso_is_good(net, h))
		return false;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		uint64_t sum_at = (uint64_t)h->csum_start + h->csum_offset;

		if (!net_has(net, VIRTIO_NET_F_CSUM) || h->csum_start < NET_ETH_HDR ||
		    !range_fits(sum_at, sizeof(uint16_t), frame_len))
			return false;
	} else {
		h->csum_start = h->csum_offset = 0;
	}
	if (h->gso_type == VIRTIO_NET_HDR_GSO_NONE)
		h->hdr_len = h->gso_size = 0;
	return h->hdr_len <= frame_len;
}

/* The port that frames of a transmit queue go to. */
static struct net_port *port_of(struct net *net, const struct virtq *q)
{
	return &net->port[(unsigned int)(q - net->dev->queue) / 2 % net->n_ports];
}

/* 0 the chain can be returned, 1 it has to wait, negative: the queue is broken. */
static int send_frame(struct net *net, struct net_port *p, const struct chain *c)
{
	uint64_t len = c->read_len - NET_HDR;
	struct iovec iov[NET_QUEUE_SIZE + 1];
	net_header h;
	int n, r;

	if (chain_read(c, net->dev->mem, 0, &h, NET_HDR))
		return -EPROTO;
	if (len < NET_ETH_HDR || c->read_len > NET_FRAME_MAX || !header_is_good(net, &h, len))
		return 0;
	n = chain_iov(c, net->dev->mem, false, NET_HDR, len, iov + 1, NET_QUEUE_SIZE);
	if (n < 0)
		return -EPROTO;
	iov[0] = (struct iovec){ &h, NET_HDR };
	r = p->ops->send(p, iov, n + 1);
	if (r == -EAGAIN)
		p->blocked = true;
	if (p->blocked)
		loop_arm(&p->src, EPOLLOUT | (p->starved ? 0u : EPOLLIN));
	if (r)
		return 1;
	net_limit_charge(&net->from_guest, len);
	return 0;
}

/* One frame. */
static int serve(struct virtio_dev *dev, struct virtq *q, const struct chain *c)
{
	struct net *net = net_of(dev);
	struct net_port *p = port_of(net, q);
	int64_t ms;
	int r;

	if (c->read_len < NET_HDR)
		return -EPROTO;
	if (p->lost)
		return virtq_push(q, c->head, 0);
	if (p->blocked)
		return 1;
	ms = net_limit_wait(&net->from_guest);
	if (ms) {
		net->from_guest.waits = true;
		net_wake_in(net, ms);
		return 1;
	}
	r = send_frame(net, p, c);
	return r ? r : virtq_push(q, c->head, 0);
}

void net_transmit(struct net *net, unsigned int i)
{
	if (dev_is_live(net->dev) && net->dev->queue[QUEUE_OF(i)].ready)
		dev_serve_queue(net->dev, QUEUE_OF(i), serve);
}
