/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-net: frames to the guest.
 *
 * Buffers are popped into a window until the longest frame fits, and a frame of a tap is read straight
 * into them. The read's last piece is memory of ours: a frame that is longer than what the guest has
 * given yet overflows into it and is completed when there are more buffers. So a full ring loses
 * nothing and stalls nothing: the port is not read while there is no buffer, the driver is asked to
 * notify, and a frame for which it never gives room is dropped in the end (CVE-2020-16843).
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "virtio_net_core.h"

/* How long a frame waits for buffers. */
#define HOLD_MS 200

#define QUEUE_OF(i) (2ul * (i)) /* §5.1.2: receiveq1 is 0, receiveq2 is 2 */

static struct virtq *queue_of(struct net *net, const struct net_rx *rx)
{
	return &net->dev->queue[QUEUE_OF((unsigned int)(rx - net->rx))];
}

/* The queue that frames of a port go to. */
static struct net_rx *rx_of(const struct net_port *p)
{
	struct net *net = p->net;

	return &net->rx[(unsigned int)(p - net->port) % net->n_active];
}

void net_rx_reset(struct net_rx *rx)
{
	rx->window.n_chains = rx->window.n_pieces = 0;
	rx->window.bytes = 0;
	rx->window.full = false;
	rx->frame_len = 0;
}

static void window_add(struct net_window *w, const struct chain *c)
{
	const struct chain_piece *p = &c->piece[c->n_read];

	w->chain[w->n_chains].head = c->head;
	w->chain[w->n_chains].n_pieces = c->n_write;
	w->chain[w->n_chains].bytes = (uint32_t)c->write_len;
	memcpy(&w->piece[w->n_pieces], p, c->n_write * sizeof(*p));
	w->n_pieces += c->n_write;
	w->bytes += c->write_len;
	w->n_chains++;
}

/* Pops buffers until the window has `target` bytes. 0, or negative when the queue is broken. */
static int window_fill(struct net *net, struct net_rx *rx, uint64_t target)
{
	static _Thread_local struct chain c;
	struct virtq *q = queue_of(net, rx);
	struct net_window *w = &rx->window;
	/* §5.1.6.4: without MRG_RXBUF a frame goes into one buffer. */
	uint32_t n_max = net_has(net, VIRTIO_NET_F_MRG_RXBUF) ? NET_QUEUE_SIZE : 1;

	w->full = false;
	while (w->bytes < target && w->n_chains < n_max) {
		int r = virtq_pop(q, &c);

		if (r <= 0)
			return r;
		if (c.n_write > NET_WINDOW_PIECES - w->n_pieces) {
			virtq_unpop(q, &c);
			w->full = true;
			return 0;
		}
		if (c.write_len == 0 || c.write_len > UINT32_MAX)
			return -EPROTO;
		window_add(w, &c);
	}
	return 0;
}

/* The first bytes of the window, for a system call. -EFAULT: not guest memory. */
static int window_iov(const struct net *net, const struct net_window *w, struct iovec *iov)
{
	int n = 0;

	for (uint32_t i = 0; i < w->n_pieces; i++) {
		const struct chain_piece *p = &w->piece[i];

		if (!p->len)
			continue;
		iov[n].iov_base = gmem_slice(net->dev->mem, p->gpa, p->len);
		iov[n].iov_len = p->len;
		if (!iov[n++].iov_base)
			return -EFAULT;
	}
	return n;
}

/* Copies to offset `off` of the window, which is long enough. 0 or -EFAULT. */
static int window_write(const struct net *net, const struct net_window *w, uint64_t off,
			const uint8_t *from, uint64_t len)
{
	for (uint32_t i = 0; i < w->n_pieces && len; i++) {
		const struct chain_piece *p = &w->piece[i];
		uint64_t step;
		int r;

		if (off >= p->len) {
			off -= p->len;
			continue;
		}
		step = p->len - off < len ? p->len - off : len;
		r = gmem_write(net->dev->mem, GPA(p->gpa.v + off), from, step);
		if (r)
			return r;
		from += step;
		len -= step;
		off = 0;
	}
	return 0;
}

/* How many chains of the window a frame takes. */
static uint32_t chains_of(const struct net_window *w, uint64_t len)
{
	uint32_t n = 0;

	while (n < w->n_chains && len) {
		uint32_t room = w->chain[n++].bytes;

		len -= len < room ? len : room;
	}
	return n;
}

static void window_drop(struct net_window *w, uint32_t n_chains)
{
	uint32_t n_pieces = 0;

	for (uint32_t i = 0; i < n_chains; i++) {
		n_pieces += w->chain[i].n_pieces;
		w->bytes -= w->chain[i].bytes;
	}
	w->n_chains -= n_chains;
	w->n_pieces -= n_pieces;
	memmove(&w->chain[0], &w->chain[n_chains], w->n_chains * sizeof(w->chain[0]));
	memmove(&w->piece[0], &w->piece[n_pieces], w->n_pieces * sizeof(w->piece[0]));
}

/* Hands the frame at the window's start to the driver. 0 or negative. */
static int finish(struct net *net, struct net_rx *rx, uint64_t len)
{
	struct virtq *q = queue_of(net, rx);
	struct net_window *w = &rx->window;
	uint32_t n = chains_of(w, len);
	uint64_t left = len;
	__virtio16 n_buffers = (__virtio16)n;
	int r = window_write(net, w, offsetof(net_header, num_buffers), (const uint8_t *)&n_buffers,
			     sizeof(n_buffers));

	for (uint32_t i = 0; i < n && !r; i++) {
		uint32_t room = w->chain[i].bytes;
		uint32_t written = left < room ? (uint32_t)left : room;

		r = virtq_put_used(q, w->chain[i].head, written);
		left -= written;
	}
	/* At once: the driver takes all buffers of a frame when it sees the first. */
	if (!r)
		r = virtq_publish(q);
	window_drop(w, n);
	net_limit_charge(&net->to_guest, len);
	return r;
}

/* Whether the driver has no more to give for the frame that is held. */
static bool cannot_fit(struct net *net, const struct net_rx *rx)
{
	const struct net_window *w = &rx->window;

	return w->full || w->n_chains == queue_of(net, rx)->size ||
	       (w->n_chains && !net_has(net, VIRTIO_NET_F_MRG_RXBUF));
}

/* The frame that is held, if there is room by now. 1 none is held any more, 0 it waits, negative. */
static int complete(struct net *net, struct net_rx *rx)
{
	uint64_t len = rx->frame_len;
	int r;

	if (!len)
		return 1;
	r = window_fill(net, rx, len);
	if (r)
		return r;
	if (rx->window.bytes >= len) {
		rx->frame_len = 0;
		r = window_write(net, &rx->window, rx->tail_at, rx->tail, len - rx->tail_at);
		r = r ? r : finish(net, rx, len);
		return r ? r : 1;
	}
	if (!cannot_fit(net, rx))
		return 0;
	rx->frame_len = 0;
	return 1;
}

/* Holds a frame of which `have` bytes are in the window. 1 it is through, 0 it waits, negative. */
static int hold(struct net *net, struct net_rx *rx, uint64_t len, uint64_t have,
		const uint8_t *tail)
{
	rx->frame_len = len;
	rx->tail_at = have;
	rx->tail = tail;
	rx->held_since_ns = net_now_ns();
	return complete(net, rx);
}

/* One frame. 1 taken, 0 none or no room, negative when the queue is broken. */
static int receive_one(struct net_port *p, struct net_rx *rx)
{
	static const net_header no_header;
	struct net *net = p->net;
	struct iovec iov[NET_WINDOW_PIECES + 1];
	const uint8_t *data = NULL;
	uint64_t len;
	ssize_t got;
	int n = window_iov(net, &rx->window, iov);

	if (n < 0)
		return n;
	iov[n++] = (struct iovec){ rx->bounce, sizeof(rx->bounce) };
	got = p->ops->receive(p, iov, n, &data);
	if (got <= 0) {
		if (got < 0)
			net_port_lost(p);
		return 0;
	}
	len = (uint64_t)got;
	if (data) {
		/* It is in the port's memory: the header is ours to make, if there is room for it. */
		if (window_write(net, &rx->window, 0, (const uint8_t *)&no_header, NET_HDR))
			return -EFAULT;
		return hold(net, rx, len, NET_HDR, data);
	}
	if (len <= NET_HDR)
		return 1; /* nothing behind the header: the next is read over it */
	if (len <= rx->window.bytes) {
		int r = finish(net, rx, len);

		return r ? r : 1;
	}
	return hold(net, rx, len, rx->window.bytes, rx->bounce);
}

/* Waits for EPOLLIN on a port, or not. */
static void want_frames(struct net_port *p, bool on)
{
	p->starved = !on;
	if (!p->lost)
		loop_arm(&p->src, (on ? EPOLLIN : 0u) | (p->blocked ? EPOLLOUT : 0u));
}

/* There is no room: asks the driver to notify. True when it has added buffers meanwhile. */
static bool starve(struct net_port *p, struct net_rx *rx)
{
	struct virtq *q = queue_of(p->net, rx);

	virtq_set_notify(q, true);
	if (virtq_pending(q) && !rx->window.full)
		return true;
	want_frames(p, false);
	if (rx->frame_len)
		net_wake_in(p->net, HOLD_MS);
	return false;
}

/* Whether a frame may come now; otherwise the timer goes on. */
static bool may_receive(struct net_port *p)
{
	int64_t ms = net_limit_wait(&p->net->to_guest);

	if (!ms)
		return true;
	p->net->to_guest.waits = true;
	want_frames(p, false);
	net_wake_in(p->net, ms);
	return false;
}

/* There may be more that was read ahead: the queue notifies itself. */
static void come_back(struct net_port *p, uint32_t q)
{
	uint64_t one = 1;

	want_frames(p, false);
	if (write(p->net->dev->kick[q].fd, &one, sizeof(one)) < 0)
		want_frames(p, true);
}

void net_receive(struct net_port *p)
{
	struct net *net = p->net;
	struct net_rx *rx = rx_of(p);
	uint32_t q = (uint32_t)QUEUE_OF((unsigned int)(rx - net->rx));
	int r = 1;

	if (!dev_is_live(net->dev) || !net->dev->queue[q].ready) {
		want_frames(p, false);
		return;
	}
	for (unsigned int n = 0; n < NET_BATCH && r >= 0; n++) {
		r = complete(net, rx);
		if (r > 0)
			r = window_fill(net, rx, NET_FRAME_MAX);
		if (r < 0)
			break;
		if (rx->frame_len || rx->window.bytes < NET_HDR) {
			if (starve(p, rx))
				continue;
			break;
		}
		if (!may_receive(p))
			break;
		r = receive_one(p, rx);
		if (r == 0 && !rx->frame_len)
			break;
	}
	if (r < 0)
		dev_needs_reset(net->dev, q, "bad receive buffer");
	else if (r > 0 && p->ops->reads_ahead)
		come_back(p, q);
	dev_interrupt(net->dev, q);
}

/* Goes on with a port that was starved. What it has read ahead comes without an event. */
static void go_on(struct net_port *p)
{
	want_frames(p, true);
	net_receive(p);
}

void net_rx_refilled(struct net *net, unsigned int i)
{
	/* The driver need not notify again before there is no room again: starve(). */
	virtq_set_notify(&net->dev->queue[QUEUE_OF(i)], false);
	for (unsigned int p = 0; p < net->n_ports; p++) {
		if (p % net->n_active == i && net->port[p].starved)
			go_on(&net->port[p]);
	}
}

void net_rx_give_up(struct net_rx *rx)
{
	rx->frame_len = 0;
}

void net_rx_expire(struct net *net)
{
	uint64_t now = net_now_ns();

	for (unsigned int i = 0; i < net->n_ports; i++) {
		struct net_rx *rx = &net->rx[i];

		if (rx->frame_len && now - rx->held_since_ns >= UINT64_C(1000000) * HOLD_MS)
			net_rx_give_up(rx);
	}
	for (unsigned int i = 0; i < net->n_ports; i++) {
		if (net->port[i].starved && !rx_of(&net->port[i])->frame_len)
			go_on(&net->port[i]);
	}
}
