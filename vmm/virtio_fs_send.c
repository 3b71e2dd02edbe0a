/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-fs: what goes to nacre-fsd. See virtio_fs_core.h and include/broker.h.
 *
 * Descriptors are never sent: only send() is used here. A socket that is full is waited for by the loop
 * (virtio_fs_broker.c), and the queues that had something to send with it.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "virtio_fs_core.h"

/* 0, -EAGAIN or -ENOTCONN. */
static int send_packet(struct fs_broker *b, const void *packet, size_t len)
{
	if (send(b->src.fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
		return 0;
	/* ENOBUFS and ENOMEM pass as well. */
	return errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN ? -ENOTCONN : -EAGAIN;
}

/* Sends the packets that nobody waits for. */
static int send_later(struct fs_broker *b)
{
	int r = b->later_len ? send_packet(b, b->later, b->later_len) : 0;

	if (!r)
		b->later_len = 0;
	return r;
}

static int flush_resets(struct fs_broker *b)
{
	for (uint32_t c = 0; c < BROKER_CLASS_COUNT; c++) {
		const struct broker_header reset = {.tag = BROKER_TAG_RESET, .class = (uint16_t)c};
		/* A reset ends what was said before. */
		int r = b->reset_due[c] ? send_later(b) : 0;

		if (!r && b->reset_due[c])
			r = send_packet(b, &reset, sizeof(reset));
		if (r)
			return r;
		b->reset_due[c] = false;
	}
	return 0;
}

static void put_first(struct fs_list *l, struct fs_request *r)
{
	r->next = l->first;
	l->first = (uint32_t)(r - fs.request) + 1;
	if (!l->last)
		l->last = l->first;
}

int fs_broker_flush(struct fs_broker *b)
{
	int r = flush_resets(b);

	while (!r) {
		struct fs_request *next;

		pthread_mutex_lock(&fs.lock);
		next = fs_list_pop(&b->to_send);
		pthread_mutex_unlock(&fs.lock);
		if (!next)
			break;
		/* Its handle was closed with the session: another may have the number by now. */
		if (!fs_session_is_current(next)) {
			fs_request_free(next);
			continue;
		}
		next->state = FS_SENT;
		r = send_packet(b, next->msg, next->msg_len);
		if (!r) {
			b->n_asked++;
			continue;
		}
		next->state = FS_QUEUED;
		pthread_mutex_lock(&fs.lock);
		put_first(&b->to_send, next);
		pthread_mutex_unlock(&fs.lock);
	}
	/*
	 * Only ever armed here: a queue may wait for the same event with a packet that is not on the list.
	 * on_broker() takes it away when the event has come.
	 */
	if (r == -EAGAIN)
		loop_arm(&b->src, EPOLLIN | EPOLLOUT);
	return r;
}

void fs_brokers_flush(void)
{
	for (uint32_t i = 0; i < fs.n_brokers; i++) {
		if (fs.broker[i].used && !fs.broker[i].dead)
			fs_broker_flush(&fs.broker[i]);
	}
}

/* Sends p, with what waited for such an opportunity before it. */
static int send_along(struct fs_broker *b, const struct fs_packet *p, size_t len)
{
	static uint8_t both[sizeof(struct fs_packet)];
	int r;

	if (!b->later_len)
		return send_packet(b, p, len);
	if (len > sizeof(both) - b->later_len) {
		r = send_later(b);
		return r ? r : send_packet(b, p, len);
	}
	memcpy(both, b->later, b->later_len);
	memcpy(both + b->later_len, p, len);
	r = send_packet(b, both, b->later_len + len);
	if (!r)
		b->later_len = 0;
	return r;
}

static void send_all_later(void)
{
	for (uint32_t i = 0; i < fs.n_brokers; i++) {
		struct fs_broker *b = &fs.broker[i];

		if (!b->used || b->dead || send_later(b) != -EAGAIN)
			continue;
		/* Again after the event that says that there is room. */
		loop_arm(&b->src, EPOLLIN | EPOLLOUT);
		loop_when_idle(send_all_later);
	}
}

/* Keeps a packet without an answer for a while. */
static int keep_for_later(struct fs_broker *b, const struct fs_packet *p, size_t len)
{
	int r = len > sizeof(b->later) - b->later_len ? send_later(b) : 0;

	if (r)
		return r;
	if (len > sizeof(b->later))
		return send_packet(b, p, len);
	memcpy(b->later + b->later_len, p, len);
	b->later_len += (uint32_t)len;
	loop_when_idle(send_all_later);
	return 0;
}

int fs_broker_send(struct fs_broker *b, struct fs_packet *p, struct fs_request *r)
{
	size_t len = sizeof(p->broker) + p->hdr.len;
	int err = fs_broker_flush(b);

	if (err)
		return err;
	p->broker.tag = r ? (uint32_t)(r - fs.request) : BROKER_TAG_QUIET;
	if (r) {
		r->broker = b;
		r->state = FS_SENT;
		err = send_along(b, p, len);
		if (!err)
			b->n_asked++;
	} else {
		err = keep_for_later(b, p, len);
	}
	if (err == -EAGAIN)
		loop_arm(&b->src, EPOLLIN | EPOLLOUT);
	return err;
}

void fs_broker_queue(struct fs_broker *b, struct fs_request *r)
{
	struct broker_header h = {.tag = (uint32_t)(r - fs.request), .class = (uint16_t)r->class};

	memcpy(r->msg, &h, sizeof(h));
	r->broker = b;
	r->state = FS_QUEUED;
	pthread_mutex_lock(&fs.lock);
	fs_list_push(&b->to_send, r);
	pthread_mutex_unlock(&fs.lock);
	fs_broker_flush(b);
}
