/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net: a port that is a queue of a tap device (Linux Documentation/networking/tuntap.rst). It
 * was opened with IFF_VNET_HDR and a header of 12 bytes, so that headers pass as they are.
 *
 * What comes from it is the host kernel's. It is the one port where a checksum may be left to do and
 * frames are segmented late.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "virtio_net_core.h"

#define BIT(f) (UINT64_C(1) << (f))

static ssize_t tap_receive(struct net_port *p, const struct iovec *iov, int n, const uint8_t **data)
{
	ssize_t got = readv(p->src.fd, iov, n);

	(void)data;
	if (got >= 0)
		return got;
	/* EIO: the device is down, which can change. */
	return errno == EAGAIN || errno == EINTR || errno == EIO ? 0 : -errno;
}

static int tap_send(struct net_port *p, const struct iovec *iov, int n)
{
	ssize_t sent = writev(p->src.fd, iov, n);

	/* EINVAL, EIO, ENOMEM: lost, as a frame may be. */
	return sent < 0 && errno == EAGAIN ? -EAGAIN : 0;
}

static int tap_flush(struct net_port *p)
{
	(void)p;
	return 0;
}

static void tap_set_features(struct net_port *p, uint64_t features)
{
	unsigned int offload = 0;

	if (features & BIT(VIRTIO_NET_F_GUEST_CSUM)) {
		offload = TUN_F_CSUM;
		if (features & BIT(VIRTIO_NET_F_GUEST_TSO4))
			offload |= TUN_F_TSO4;
		if (features & BIT(VIRTIO_NET_F_GUEST_TSO6))
			offload |= TUN_F_TSO6;
		if (offload != TUN_F_CSUM && features & BIT(VIRTIO_NET_F_GUEST_ECN))
			offload |= TUN_F_TSO_ECN;
	}
	/* A tap that is gone is noticed by reading it. */
	(void)ioctl(p->src.fd, (int)TUNSETOFFLOAD, offload);
}

const struct net_port_ops net_tap_ops = {
	.features = BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |
		    BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_HOST_ECN) |
		    BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) |
		    BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN),
	.receive = tap_receive,
	.send = tap_send,
	.flush = tap_flush,
	.set_features = tap_set_features,
};
