/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-vsock: packets with lying lengths, ports, credits and operations from the guest's side,
 * clients that come, write, read, close and half-close from the host's.
 */
/* SOURCES: vmm/virtio_vsock.c vmm/client_accept.c vmm/vsock_conn.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c */
#include <linux/virtio_vsock.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fuzz_device.h"
#include "vmm/virtio_vsock.h"
#include "vmm/vsock_conn.h"

#define QUEUE_RX  0u
#define QUEUE_TX  1u
#define N_CLIENTS 12u
#define TX_DATA	  (GUEST_DATA + 0x40000u)

static struct virtio_dev dev;
static struct guest guest;
static int client[N_CLIENTS];
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_len;

static void nothing(void)
{
}

static void make(void)
{
	static const struct virtio_vsock_callbacks callbacks = {
		.guest_connected = nothing, .clients_gone = nothing,
	};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* An abstract name: nothing is left in a file system. */
	address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				  (size_t)snprintf(address.sun_path + 1, 32, "nacre-fuzz-%d",
						   getpid()));
	CLAIM(bind(listener, (struct sockaddr *)&address, address_len) == 0);
	CLAIM(listen(listener, 64) == 0);
	signal(SIGPIPE, SIG_IGN);
	CLAIM(virtio_vsock_init(&dev, listener, &callbacks) == 0);
	guest_init(&guest, &dev);
	memset(client, -1, sizeof(client));
}

static uint32_t some_port(struct cursor *c)
{
	static const uint32_t ports[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 1022, 1023, 1024, 0, UINT32_MAX };
	uint8_t i = in8(c) % 16;

	return i < sizeof(ports) / sizeof(ports[0]) ? ports[i] : in32(c);
}

/* One packet, in one piece or two. */
static void packet(struct guest *g, struct cursor *c)
{
	struct fake_driver *d = &g->queue[QUEUE_TX];
	struct virtio_vsock_hdr h = { .src_cid = 3, .dst_cid = 2, .dst_port = 1,
				      .type = VIRTIO_VSOCK_TYPE_STREAM, .buf_alloc = 65536 };
	uint8_t how = in8(c);
	uint32_t room = (uint32_t)in8(c) * (how & 1 ? 256 : 1);
	uint64_t at = TX_DATA + (uint64_t)(how >> 6) * 0x12000;
	uint16_t head;

	h.op = in8(c) % 10;
	h.src_port = some_port(c);
	h.len = room;
	h.flags = in8(c) & 7;
	if (how & 2)
		h.len = guest_length(c);
	if (how & 4) {
		h.buf_alloc = in32(c);
		h.fwd_cnt = in32(c);
	}
	if (how & 8) {
		h.src_cid = in64(c);
		h.dst_cid = in8(c);
		h.dst_port = some_port(c);
		h.type = in8(c);
	}
	if (!d->size)
		return;
	fake_put(&g->mem, at, &h, sizeof(h));
	head = (uint16_t)(2 * (d->avail_idx % ((d->size + 1u) / 2)));
	if (how & 16 && d->size > 1) {
		fake_desc(d, head, at, sizeof(h), FAKE_NEXT, (uint16_t)(head + 1));
		fake_desc(d, (uint16_t)(head + 1), at + sizeof(h), room, 0, 0);
	} else {
		fake_desc(d, head, at, (uint32_t)sizeof(h) + room, 0, 0);
	}
	fake_offer(d, head);
	if (!(how & 32))
		driver_notify(g->dev, QUEUE_TX);
	fuzz_step();
}

/* Receive buffers, and what lies in them taken. */
static void receive_buffers(struct guest *g, struct cursor *c)
{
	struct fake_driver *d = &g->queue[QUEUE_RX];
	uint32_t len = 44u + (uint32_t)in8(c) * 16u;

	guest_take_used(g);
	for (unsigned int n = in8(c) % 16; d->size && n; n--) {
		uint16_t i = d->avail_idx % d->size;

		fake_desc(d, i, GUEST_DATA + (uint64_t)(i % 32) * 0x1000, len, FAKE_WRITE, 0);
		fake_offer(d, i);
	}
	driver_notify(g->dev, QUEUE_RX);
	fuzz_step();
}

static void a_client(struct cursor *c)
{
	static uint8_t bytes[65536];
	int *fd = &client[in8(c) % N_CLIENTS];

	switch (in8(c) % 6) {
	case 0:
		if (*fd >= 0)
			break;
		*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(*fd, (struct sockaddr *)&address, address_len);
		break;
	case 1:
		(void)send(*fd, bytes, in16(c), MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 2:
		(void)recv(*fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		break;
	case 3:
		shutdown(*fd, in8(c) % 3);
		break;
	case 4:
		close(*fd);
		*fd = -1;
		break;
	default:
		break;
	}
	fuzz_step();
}

static void check_conns(void)
{
	unsigned int n_clients = 0, n_parked = 0;

	for (unsigned int i = 0; i < VSOCK_CONNS_MAX; i++) {
		const struct vsock_conn *c = vsock_conn_at(i);

		if (c->state == CONN_FREE)
			continue;
		CLAIM(c->ring_len <= VSOCK_RING && c->ring_at < VSOCK_RING);
		CLAIM(c->rx_cnt - c->fwd_cnt == c->ring_len);
		CLAIM((c->state == CONN_SILENT || c->state == CONN_WAITING ||
		       c->state == CONN_OPEN) == (c->src.fd >= 0));
		n_clients += c->src.fd >= 0 && !c->client_gone;
		n_parked += c->state == CONN_PARKED;
	}
	CLAIM(n_clients == virtio_vsock_clients() && n_parked <= VSOCK_PARKED_MAX);
}

static void extra(struct guest *g, struct cursor *c)
{
	switch (in8(c) % 4) {
	case 0:
		a_client(c);
		break;
	case 1:
		receive_buffers(g, c);
		break;
	default:
		packet(g, c);
	}
	check_conns();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	unsigned int n_open;

	if (!guest.dev)
		make();
	n_open = open_descriptors();
	guest_run(&guest, &c, extra);
	guest_reset(&guest);
	for (unsigned int i = 0; i < N_CLIENTS; i++) {
		if (client[i] >= 0)
			close(client[i]);
		client[i] = -1;
	}
	fuzz_settle(1000);
	check_conns();
	CLAIM(virtio_vsock_clients() == 0);
	CLAIM(open_descriptors() == n_open);
	return 0;
}
