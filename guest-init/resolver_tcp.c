/* SPDX-License-Identifier: Apache-2.0 */
/* DNS over TCP (RFC 1035 §4.2.2, RFC 7766); see resolver.h. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "resolver_impl.h"

static size_t length_of(const uint8_t *prefix)
{
	return (size_t)prefix[0] << 8 | prefix[1];
}

/* A question that is whole goes to the host. False: the client is of no use. */
static bool pass_on(struct client *c)
{
	size_t len = DNS_PREFIX + length_of(c->in);
	struct question *q;

	if (len < DNS_PREFIX + DNS_HEADER || len > sizeof(c->in))
		return false;
	if (c->got < len)
		return true;
	q = resolver_note(c->resolver, c->in + DNS_PREFIX, RESOLVE_STREAM);
	q->client = c->number;
	if (!c->resolver->ask(c->resolver->owner, RESOLVE_STREAM, c->in, len)) {
		q->open = false;
		return false;
	}
	c->n_open++;
	c->got = 0;
	return true;
}

/* End of file: who still waits for an answer gets it. False: nobody does. */
static bool is_waiting(struct client *c)
{
	if (c->asks_no_more || c->n_open == 0)
		return false;
	c->asks_no_more = true;
	return loop_watch(&c->w, 0) == 0;
}

static void client_ready(void *owner, uint32_t events)
{
	struct client *c = owner;
	size_t want = DNS_PREFIX;
	ssize_t n;

	(void)events;
	/* never beyond one question: what is behind it stays in the socket */
	if (c->got >= DNS_PREFIX)
		want += length_of(c->in);
	n = read(c->w.fd, c->in + c->got, want - c->got);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->got += (size_t)n;
	if (n == 0 && is_waiting(c))
		return;
	if (n <= 0 || (c->got >= DNS_PREFIX && !pass_on(c)))
		loop_close(&c->w);
}

/* A free place, or that of the oldest. */
static struct client *make_place(struct resolver *r)
{
	struct client *oldest = &r->clients[0];

	for (unsigned int i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &r->clients[i];

		if (c->w.fd < 0)
			return c;
		if (c->number < oldest->number)
			oldest = c;
	}
	loop_close(&oldest->w);
	return oldest;
}

static void listener_ready(void *owner, uint32_t events)
{
	struct resolver *r = owner;
	int fd = accept4(r->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	/* an answer is written in one piece or not at all */
	int room = (int)(2 * sizeof(r->answer));
	struct client *c;

	(void)events;
	if (fd < 0)
		return;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	c = make_place(r);
	c->w = (struct watch){ .fd = fd, .ready = client_ready, .owner = c };
	c->resolver = r;
	c->number = ++r->n_clients;
	c->n_open = 0;
	c->asks_no_more = false;
	c->got = 0;
	if (loop_watch(&c->w, EPOLLIN) < 0)
		loop_close(&c->w);
}

/* A whole answer, prefix included. */
static void hand_out(struct resolver *r, uint8_t *bytes, size_t len)
{
	struct question *q = NULL;

	if (len >= DNS_PREFIX + DNS_HEADER)
		q = resolver_find(r, bytes + DNS_PREFIX, RESOLVE_STREAM);
	for (unsigned int i = 0; i < CLIENTS_MAX && q; i++) {
		struct client *c = &r->clients[i];

		if (c->w.fd < 0 || c->number != q->client)
			continue;
		c->n_open--;
		if (write(c->w.fd, bytes, len) != (ssize_t)len ||
		    (c->asks_no_more && c->n_open == 0))
			loop_close(&c->w);
	}
}

/* What was asked is not answered: whoever waits sees it. */
static void close_all(struct resolver *r)
{
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		loop_close(&r->clients[i].w);
	r->answer_len = 0;
}

void resolver_tcp_answer(struct resolver *r, const uint8_t *bytes, size_t len)
{
	if (len == 0)
		close_all(r);
	while (len > 0) {
		size_t want = DNS_PREFIX, step;

		if (r->answer_len >= DNS_PREFIX)
			want += length_of(r->answer);
		step = want - r->answer_len < len ? want - r->answer_len : len;
		memcpy(r->answer + r->answer_len, bytes, step);
		r->answer_len += step;
		bytes += step;
		len -= step;
		if (r->answer_len >= DNS_PREFIX &&
		    r->answer_len == DNS_PREFIX + length_of(r->answer)) {
			hand_out(r, r->answer, r->answer_len);
			r->answer_len = 0;
		}
	}
}

void resolver_tcp_open(struct resolver *r, int listening_fd)
{
	r->listener = (struct watch){ .fd = listening_fd, .ready = listener_ready, .owner = r };
	for (unsigned int i = 0; i < CLIENTS_MAX; i++)
		r->clients[i].w.fd = -1;
}

void resolver_tcp_close(struct resolver *r)
{
	close_all(r);
	loop_close(&r->listener);
}
