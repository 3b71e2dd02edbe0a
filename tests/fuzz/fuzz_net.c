/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net: a guest that reads its misdeeds from the input, a tap (a datagram socket) and a passt (a
 * stream) that say anything, and news of links.
 */
/* SOURCES: vmm/virtio_net.c vmm/virtio_net_rx.c vmm/virtio_net_tx.c vmm/virtio_net_tap.c */
/* SOURCES: vmm/virtio_net_stream.c vmm/virtio_net_limit.c vmm/virtio_net_vhost.c vmm/vhost_call.c vmm/thread.c */
/* SOURCES: vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c */
#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "fuzz_device.h"
#include "vmm/virtio_net.h"

#define STREAM_ROOM (1 << 20)

static struct virtio_dev tap, stream;
static struct guest guest[2];
static int far[4]; /* two queues of the tap, the watch, passt */

static void make_pair(int type, int *near, int *other)
{
	int pair[2];

	CLAIM(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
	*near = pair[0];
	*other = pair[1];
}

static void make(void)
{
	struct net_options o = { .mac = { 2 }, .mtu = 1500, .n_taps = 2, .stream = -1,
				 .watch_index = 2 };

	signal(SIGPIPE, SIG_IGN);
	make_pair(SOCK_DGRAM, &o.tap[0], &far[0]);
	make_pair(SOCK_DGRAM, &o.tap[1], &far[1]);
	make_pair(SOCK_DGRAM, &o.watch, &far[2]);
	CLAIM(virtio_net_init(&tap, &o) == 0);
	o.n_taps = 0;
	o.watch = -1;
	make_pair(SOCK_STREAM, &o.stream, &far[3]);
	setsockopt(far[3], SOL_SOCKET, SO_SNDBUFFORCE, &(int){ STREAM_ROOM }, sizeof(int));
	CLAIM(virtio_net_init(&stream, &o) == 0);
	guest_init(&guest[0], &tap);
	guest_init(&guest[1], &stream);
	CLAIM(virtio_net_listen(0) == 0 && virtio_net_listen(1) == 0);
}

/* passt's end of the stream holds this much: the socket's buffer was made to. */
static void send_whole(int fd, const uint8_t *bytes, size_t len)
{
	int queued = 0;

	ioctl(fd, SIOCOUTQ, &queued);
	if (queued < STREAM_ROOM / 4)
		CLAIM(send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len);
}

/* The world outside says something, of any length up to the longest, or listens. */
static void outside(struct guest *g, struct cursor *c)
{
	static uint8_t bytes[4 + 66200];
	uint8_t how = in8(c);
	int fd = far[g->dev == &stream ? 3 : how % 3];
	size_t len = how & 0x80 ? in16(c) + 600u : in8(c);

	if (how & 0x40) {
		while (recv(fd, bytes, sizeof(bytes), 0) > 0)
			continue;
		return;
	}
	memset(bytes, how, sizeof(bytes));
	in_bytes(c, bytes + 4, 40);
	if (fd != far[3]) {
		(void)!send(fd, bytes + 4, len, MSG_NOSIGNAL);
		return;
	}
	/* A length that no frame has ends passt's link for good: test_virtio_net.c. */
	if (len < 14 || len > 65000)
		return;
	bytes[0] = 0;
	bytes[1] = 0;
	bytes[2] = (uint8_t)(len >> 8);
	bytes[3] = (uint8_t)len;
	/* Whole, or the next length would be one of these bytes. */
	if (poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, 0) == 1)
		send_whole(fd, bytes, len + 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	struct guest *g;

	if (!guest[0].dev)
		make();
	g = &guest[in8(&c) & 1];
	guest_run(g, &c, outside);
	guest_reset(g);
	return 0;
}
