/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-vsock. See virtio_vsock.h.
 *
 * Packets of the guest (queue 1) are hostile: header lengths, ports, credits and operations in any
 * order. A packet whose length lies about its buffer breaks the queue; a packet that makes no sense
 * for its connection gets a reset for that connection. What we owe the guest is a bit per connection
 * and a short list of resets for ports without one; while that list is full the guest's own packets
 * wait, so nothing grows. Packets to the guest go out when it offers receive buffers (queue 0).
 */
#include "virtio_vsock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client_accept.h"
#include "proto.h"
#include "vsock_conn.h"

#define GUEST_CID	3u
#define GUEST_PORT_MAX	1023u /* ports that only the guest's init may bind */
#define QUEUE_RX	0u
#define QUEUE_TX	1u
#define HDR_LEN		sizeof(struct virtio_vsock_hdr)
#define STRAY_RSTS_MAX	32u
#define PACKETS_PER_EVENT 32u
#define IOV_PER_PACKET	8

enum { SHUTDOWN_RCV = VIRTIO_VSOCK_SHUTDOWN_RCV, SHUTDOWN_SEND = VIRTIO_VSOCK_SHUTDOWN_SEND };
#define SHUTDOWN_BOTH (uint32_t)(SHUTDOWN_RCV | SHUTDOWN_SEND)

static struct {
	struct virtio_dev *dev;
	struct loop_source listener;
	struct virtio_vsock_callbacks callbacks;
	bool guest_has_connected;
	unsigned int n_clients;
	/* Resets for packets that belong to no connection. */
	struct {
		uint32_t guest_port, host_port;
	} stray[STRAY_RSTS_MAX];
	unsigned int n_stray;
} vsock;

static const struct virtio_vsock_config config = { .guest_cid = GUEST_CID };

static void pump(void);
static void on_client(void *ctx, uint32_t events);

unsigned int virtio_vsock_clients(void)
{
	return vsock.n_clients;
}

static void client_went(struct vsock_conn *c)
{
	if (c->client_gone)
		return;
	c->client_gone = true;
	vsock.n_clients--;
	if (vsock.n_clients == 0)
		vsock.callbacks.clients_gone();
}

static void free_conn(struct vsock_conn *c)
{
	if (c->src.fd >= 0)
		client_went(c);
	vsock_conn_free(c);
	/* There is room for a client again. */
	loop_arm(&vsock.listener, EPOLLIN);
}

/* What to wait for on a connection's UNIX socket; EPOLLHUP comes with every set that is not empty. */
static void arm(struct vsock_conn *c)
{
	bool reads = !(c->shutdown_flags & SHUTDOWN_SEND) && !c->guest_receives_no_more &&
		     vsock_conn_credit(c) && virtq_pending(&vsock.dev->queue[QUEUE_RX]);
	uint32_t events = 0;

	if (c->src.fd < 0)
		return;
	if (c->state == CONN_OPEN) {
		events |= reads ? EPOLLIN : 0u;
		events |= c->ring_len && !c->client_gone ? EPOLLOUT : 0u;
	}
	if (c->state == CONN_SILENT)
		events = EPOLLIN; /* its first bytes */
	if (!events && !c->client_gone)
		events = EPOLLHUP;
	loop_arm(&c->src, events);
}

static void arm_all(void)
{
	for (unsigned int i = 0; i < vsock_conns_used(); i++)
		arm(vsock_conn_at(i));
}

/* Joins the oldest guest connection and the oldest client, as long as there are both. */
static void join_waiting(void)
{
	for (;;) {
		struct vsock_conn *client = vsock_conn_oldest(CONN_WAITING, NULL);
		struct vsock_conn *guest = vsock_conn_oldest(CONN_PARKED, NULL);
		int fd;

		if (!client || !guest)
			return;
		fd = client->src.fd;
		loop_remove(&client->src); /* leaves no descriptor to close */
		vsock_conn_free(client);
		if (loop_add(&guest->src, fd, EPOLLIN, on_client, guest)) {
			close(fd);
			vsock.n_clients--;
			return;
		}
		guest->state = CONN_OPEN;
		arm(guest);
	}
}

/* ---- packets to the guest ---- */

static int push_packet(const struct chain *c, struct virtio_vsock_hdr *h, uint32_t payload)
{
	struct virtq *q = &vsock.dev->queue[QUEUE_RX];
	int r;

	h->src_cid = PROTO_HOST_CID;
	h->dst_cid = GUEST_CID;
	h->type = VIRTIO_VSOCK_TYPE_STREAM;
	h->len = payload;
	r = chain_write(c, vsock.dev->mem, 0, h, HDR_LEN);
	return r ? r : virtq_push(q, c->head, (uint32_t)HDR_LEN + payload);
}

static struct virtio_vsock_hdr conn_header(struct vsock_conn *c, uint16_t op)
{
	c->told_fwd_cnt = c->fwd_cnt;
	return (struct virtio_vsock_hdr){
		.src_port = PROTO_VSOCK_PORT,
		.dst_port = c->guest_port,
		.op = op,
		.buf_alloc = VSOCK_RING,
		.fwd_cnt = c->fwd_cnt,
	};
}

/* One packet that the connection owes. 0 or negative. */
static int push_owed(struct vsock_conn *c, const struct chain *chain)
{
	static const struct {
		uint32_t owes;
		uint16_t op;
	} order[] = {
		{ OWES_RST, VIRTIO_VSOCK_OP_RST },
		{ OWES_RESPONSE, VIRTIO_VSOCK_OP_RESPONSE },
		{ OWES_SHUTDOWN, VIRTIO_VSOCK_OP_SHUTDOWN },
		{ OWES_CREDIT, VIRTIO_VSOCK_OP_CREDIT_UPDATE },
	};
	struct virtio_vsock_hdr h;
	unsigned int i = 0;
	int r;

	while (!(c->owes & order[i].owes))
		i++;
	c->owes &= ~order[i].owes;
	h = conn_header(c, order[i].op);
	if (order[i].owes == OWES_SHUTDOWN)
		h.flags = c->shutdown_flags;
	r = push_packet(chain, &h, 0);
	if (order[i].owes == OWES_RST)
		free_conn(c);
	return r;
}

static int push_stray_rst(const struct chain *chain)
{
	struct virtio_vsock_hdr h = { .op = VIRTIO_VSOCK_OP_RST };

	vsock.n_stray--;
	h.src_port = vsock.stray[vsock.n_stray].host_port;
	h.dst_port = vsock.stray[vsock.n_stray].guest_port;
	return push_packet(chain, &h, 0);
}

static struct vsock_conn *next_debtor(void)
{
	for (unsigned int i = 0; i < vsock_conns_used(); i++) {
		struct vsock_conn *c = vsock_conn_at(i);

		if (c->state != CONN_FREE && c->owes)
			return c;
	}
	return NULL;
}

/* Takes a receive buffer that has room for a header. 1, 0 when there is none, negative. */
static int pop_rx(struct chain *chain)
{
	int r = virtq_pop(&vsock.dev->queue[QUEUE_RX], chain);

	if (r == 1 && chain->write_len < HDR_LEN)
		return -EPROTO;
	return r;
}

/* Sends what is owed until all is, or the guest has no buffer left. 0 or negative. */
static int pay(void)
{
	static struct chain chain;
	struct vsock_conn *c;
	int r = 1;

	while (r > 0 && ((c = next_debtor()) || vsock.n_stray)) {
		r = pop_rx(&chain);
		if (r > 0)
			r = (c ? push_owed(c, &chain) : push_stray_rst(&chain)) ? -EPROTO : 1;
	}
	return r < 0 ? r : 0;
}

/* Sends all that is owed, as far as the guest has buffers. */
static void pump(void)
{
	struct virtq *rx = &vsock.dev->queue[QUEUE_RX];
	int r;

	do {
		r = pay();
		virtq_set_notify(rx, true);
		/* Buffers that came before the guest saw our wish come without a notification. */
	} while (!r && (next_debtor() || vsock.n_stray) && virtq_pending(rx));
	if (r)
		dev_needs_reset(vsock.dev, QUEUE_RX, "bad receive buffer");
	dev_interrupt(vsock.dev, QUEUE_RX);
}

/* ---- from a client to the guest ---- */

/* The client has said all: announce it. What both sides closed needs no ring any more. */
static void client_eof(struct vsock_conn *c)
{
	c->shutdown_flags |= c->client_gone ? SHUTDOWN_BOTH : (uint32_t)SHUTDOWN_SEND;
	c->owes |= OWES_SHUTDOWN;
	if (c->client_gone) {
		int fd = c->src.fd;

		loop_remove(&c->src);
		close(fd);
		c->state = CONN_CLOSING;
	}
}

/* One packet of data. 1 sent, 0 nothing to read or no buffer, negative: the queue is broken. */
static int forward_packet(struct vsock_conn *c)
{
	static struct chain chain;
	struct virtio_vsock_hdr h;
	struct iovec iov[IOV_PER_PACKET];
	uint64_t room;
	ssize_t got;
	int n, r;

	r = pop_rx(&chain);
	if (r <= 0)
		return r;
	room = chain.write_len - HDR_LEN;
	if (room > vsock_conn_credit(c))
		room = vsock_conn_credit(c);
	n = chain_iov(&chain, vsock.dev->mem, true, HDR_LEN, room, iov, IOV_PER_PACKET);
	if (n <= 0)
		return -EPROTO;
	got = readv(c->src.fd, iov, n);
	if (got <= 0) {
		virtq_unpop(&vsock.dev->queue[QUEUE_RX], &chain);
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			client_eof(c);
		return 0;
	}
	c->tx_cnt += (uint32_t)got;
	h = conn_header(c, VIRTIO_VSOCK_OP_RW);
	r = push_packet(&chain, &h, (uint32_t)got);
	return r < 0 ? r : 1;
}

static void forward_to_guest(struct vsock_conn *c)
{
	int r = 1;

	for (unsigned int n = 0; r > 0 && n < PACKETS_PER_EVENT; n++) {
		if (!vsock_conn_credit(c) || c->state != CONN_OPEN)
			break;
		r = forward_packet(c);
	}
	if (r < 0)
		dev_needs_reset(vsock.dev, QUEUE_RX, "bad receive buffer");
	dev_interrupt(vsock.dev, QUEUE_RX);
}

/* ---- from the guest to a client ---- */

/* After bytes were passed on: tell the guest of its new credit before it runs dry. */
static void owe_credit(struct vsock_conn *c)
{
	if (c->fwd_cnt - c->told_fwd_cnt >= VSOCK_RING / 4)
		c->owes |= OWES_CREDIT;
}

/* The client reads no more: drop what is kept for it, tell the guest. */
static void client_reads_no_more(struct vsock_conn *c)
{
	c->fwd_cnt += c->ring_len;
	c->ring_len = 0;
	if (!(c->shutdown_flags & SHUTDOWN_RCV)) {
		c->shutdown_flags |= SHUTDOWN_RCV;
		c->owes |= OWES_SHUTDOWN;
	}
}

/* The ring is empty and the guest has closed: pass the closing on. */
static void after_drain(struct vsock_conn *c)
{
	if (c->ring_len || !c->guest_sends_no_more || c->state == CONN_FREE)
		return;
	if (c->guest_receives_no_more)
		c->owes |= OWES_RST; /* §5.10.6.5: answer a full shutdown with RST */
	else if (c->state == CONN_OPEN)
		shutdown(c->src.fd, SHUT_WR);
}

/*
 * Only now it takes one of the few connections that the guest keeps waiting: one that says nothing
 * holds up nobody.
 */
static void client_speaks(struct vsock_conn *c)
{
	c->state = CONN_WAITING;
	loop_arm(&c->src, EPOLLHUP);
	join_waiting();
}

static void on_client(void *ctx, uint32_t events)
{
	struct vsock_conn *c = ctx;

	pthread_mutex_lock(&vsock.dev->lock);
	if (events & (EPOLLHUP | EPOLLERR)) {
		client_went(c);
		if (c->state <= CONN_WAITING) {
			free_conn(c);
			goto out;
		}
		client_reads_no_more(c);
	} else if (c->state == CONN_SILENT) {
		client_speaks(c);
		goto out;
	} else if (events & EPOLLOUT) {
		if (vsock_conn_flush(c))
			client_reads_no_more(c);
		owe_credit(c);
	}
	after_drain(c);
	if (c->state == CONN_OPEN && !(c->shutdown_flags & SHUTDOWN_SEND) &&
	    !c->guest_receives_no_more)
		forward_to_guest(c);
	pump();
	arm(c);
out:
	pthread_mutex_unlock(&vsock.dev->lock);
}

static int stray_rst(const struct virtio_vsock_hdr *h)
{
	/* A reset is never answered with a reset. There is room: serve_tx looked. */
	if (h->op == VIRTIO_VSOCK_OP_RST)
		return 0;
	vsock.stray[vsock.n_stray].guest_port = h->src_port;
	vsock.stray[vsock.n_stray].host_port = h->dst_port;
	vsock.n_stray++;
	return 0;
}

static int op_request(const struct virtio_vsock_hdr *h)
{
	unsigned int n_parked;
	struct vsock_conn *c;

	vsock_conn_oldest(CONN_PARKED, &n_parked);
	if (h->src_port > GUEST_PORT_MAX || n_parked >= VSOCK_PARKED_MAX)
		return stray_rst(h);
	c = vsock_conn_new(CONN_PARKED);
	if (!c)
		return stray_rst(h);
	c->guest_port = h->src_port;
	c->peer_buf_alloc = h->buf_alloc;
	c->peer_fwd_cnt = h->fwd_cnt;
	c->owes = OWES_RESPONSE;
	if (!vsock.guest_has_connected) {
		vsock.guest_has_connected = true;
		vsock.callbacks.guest_connected();
	}
	join_waiting();
	return 0;
}

static int op_rw(struct vsock_conn *c, const struct virtio_vsock_hdr *h, const struct chain *chain)
{
	struct iovec iov[IOV_PER_PACKET];
	int n;

	if (h->len > VSOCK_RING - (c->rx_cnt - c->fwd_cnt) || c->guest_sends_no_more) {
		c->owes |= OWES_RST; /* more than its credit, or after its end */
		return 0;
	}
	n = chain_iov(chain, vsock.dev->mem, false, HDR_LEN, h->len, iov, IOV_PER_PACKET);
	if (n < 0)
		return n;
	if (c->shutdown_flags & SHUTDOWN_RCV) {
		c->rx_cnt += h->len;
		c->fwd_cnt += h->len;
	} else if (vsock_conn_deliver(c, iov, n, h->len)) {
		c->fwd_cnt = c->rx_cnt - c->ring_len;
		client_reads_no_more(c);
	}
	owe_credit(c);
	return 0;
}

static void op_shutdown(struct vsock_conn *c, uint32_t flags)
{
	if (flags & SHUTDOWN_RCV && !c->guest_receives_no_more) {
		c->guest_receives_no_more = true;
		if (c->state == CONN_OPEN)
			shutdown(c->src.fd, SHUT_RD);
	}
	if (flags & SHUTDOWN_SEND)
		c->guest_sends_no_more = true;
	after_drain(c);
}

/* A packet for a connection that exists. */
static int conn_packet(struct vsock_conn *c, const struct virtio_vsock_hdr *h,
		       const struct chain *chain)
{
	int r = 0;

	c->peer_buf_alloc = h->buf_alloc;
	c->peer_fwd_cnt = h->fwd_cnt;
	switch (h->op) {
	case VIRTIO_VSOCK_OP_RW:
		r = op_rw(c, h, chain);
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		op_shutdown(c, h->flags);
		break;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		c->owes |= OWES_CREDIT;
		break;
	case VIRTIO_VSOCK_OP_RST:
		free_conn(c);
		return 0;
	default:
		/* A second REQUEST, a RESPONSE to nothing, an unknown operation. */
		c->owes |= OWES_RST;
	}
	arm(c);
	return r;
}

/* One packet of the guest. */
static int serve_tx(struct virtio_dev *dev, struct virtq *q, const struct chain *chain)
{
	struct virtio_vsock_hdr h;
	struct vsock_conn *c = NULL;
	int r;

	if (vsock.n_stray == STRAY_RSTS_MAX)
		return 1; /* until the guest has taken the resets that it is owed */
	if (chain_read(chain, dev->mem, 0, &h, HDR_LEN) || h.len > chain->read_len - HDR_LEN)
		return -EPROTO;
	if (h.src_cid == GUEST_CID && h.dst_cid == PROTO_HOST_CID &&
	    h.type == VIRTIO_VSOCK_TYPE_STREAM && h.dst_port == PROTO_VSOCK_PORT) {
		c = vsock_conn_by_port(h.src_port);
		if (c)
			r = conn_packet(c, &h, chain);
		else if (h.op == VIRTIO_VSOCK_OP_REQUEST)
			r = op_request(&h);
		else
			r = stray_rst(&h);
	} else {
		r = stray_rst(&h);
	}
	return r ? r : virtq_push(q, chain->head, 0);
}

static void notify(struct virtio_dev *dev, uint32_t qi)
{
	bool was_full = vsock.n_stray == STRAY_RSTS_MAX;

	if (vsock.callbacks.guest_calls) {
		if (qi == QUEUE_TX)
			vsock.callbacks.guest_calls();
		return;
	}
	if (qi == QUEUE_RX) {
		pump();
		arm_all();
	}
	if (qi == QUEUE_TX || (was_full && vsock.n_stray < STRAY_RSTS_MAX)) {
		dev_serve_queue(dev, QUEUE_TX, serve_tx);
		pump();
	}
}

/* ---- clients ---- */

static void on_listener(void *ctx, uint32_t events)
{
	struct vsock_conn *c;
	int fd;

	(void)ctx;
	(void)events;
	pthread_mutex_lock(&vsock.dev->lock);
	c = vsock_conn_new(CONN_SILENT);
	if (!c) {
		loop_arm(&vsock.listener, 0); /* free_conn() arms it again */
		goto out;
	}
	fd = client_accept(vsock.listener.fd);
	if (fd < 0 && fd != -EAGAIN)
		loop_arm(&vsock.listener, 0);
	if (fd < 0 || loop_add(&c->src, fd, EPOLLIN, on_client, c)) {
		if (fd >= 0)
			close(fd);
		c->src.fd = -1;
		vsock_conn_free(c);
		goto out;
	}
	vsock.n_clients++;
out:
	pthread_mutex_unlock(&vsock.dev->lock);
}

/* After a reset by the driver every connection of the guest is gone. */
static void quiesce(struct virtio_dev *dev)
{
	(void)dev;
	vsock.n_stray = 0;
	for (unsigned int i = 0; i < vsock_conns_used(); i++) {
		struct vsock_conn *c = vsock_conn_at(i);

		if (c->state >= CONN_PARKED)
			free_conn(c);
	}
}

int virtio_vsock_init(struct virtio_dev *dev, int listener_fd,
		      const struct virtio_vsock_callbacks *callbacks)
{
	static const struct virtio_dev_ops ops = {
		.name = "virtio-vsock",
		.device_id = VIRTIO_ID_VSOCK,
		.n_queues = 3, /* rx, tx, event (§5.10.2); no event is ever sent */
		.queue_size_max = 128,
		.config = &config,
		.config_len = sizeof(config),
		.quiesce = quiesce,
		.notify = notify,
	};
	int r = vsock_conns_init();

	if (r)
		return r;
	/* A client that gave up between epoll_wait and accept must not block the device thread. */
	if (fcntl(listener_fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	*dev = (struct virtio_dev){ .ops = &ops };
	vsock.dev = dev;
	vsock.callbacks = *callbacks;
	r = client_accept_init();
	return r ? r : loop_add(&vsock.listener, listener_fd, EPOLLIN, on_listener, NULL);
}
