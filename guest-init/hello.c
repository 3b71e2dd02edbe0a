/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first message on each connection; see hello.h. What comes in is checked against proto.h to
 * the letter; anything else closes the connection.
 */
#include "hello.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop.h"
#include "proto.h"
#include "query.h"
#include "session.h"

#define HELLO_IDLE    8  /* connections before their hello */
#define HELLO_WAITING (3 * SESSIONS_MAX) /* streams whose session is not known yet */

struct hello_message {
	struct msg_header head;
	struct msg_hello hello;
};

struct idle {
	struct watch w;
	size_t got;
	struct hello_message m;
};

struct waiting {
	int fd; /* valid if `used` */
	bool used;
	uint16_t stream;
	uint8_t token[PROTO_TOKEN_LEN];
	uint64_t order; /* of arrival */
};

static struct idle idles[HELLO_IDLE];
static struct waiting waitings[HELLO_WAITING];
static uint64_t arrivals;
static void (*on_change)(bool broken);

void hello_on_change(void (*gone)(bool broken))
{
	on_change = gone;
}

unsigned int hello_idle(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < HELLO_IDLE; i++)
		n += idles[i].w.owner && idles[i].w.fd >= 0;
	return n;
}

static bool is_hello(const struct hello_message *m)
{
	uint16_t role = le16_get(m->hello.role), stream = le16_get(m->hello.stream);

	return le32_get(m->head.len) == sizeof(*m) && le16_get(m->head.type) == MSG_HELLO &&
	       le16_get(m->head.zero) == 0 && le32_get(m->hello.magic) == PROTO_MAGIC &&
	       le16_get(m->hello.zero) == 0 &&
	       (((role == ROLE_CONTROL || role == ROLE_QUERY) && stream == 0) ||
		(role == ROLE_STREAM && stream < STREAM_COUNT));
}

/* Keeps a stream until its session comes; the one that waited longest makes room. Takes fd. */
static void wait_for_session(int fd, const struct msg_hello *hello)
{
	struct waiting *w = &waitings[0];

	for (unsigned int i = 0; i < HELLO_WAITING; i++) {
		struct waiting *x = &waitings[i];

		if (!x->used) {
			w = x;
			break;
		}
		if (x->order < w->order)
			w = x;
	}
	if (w->used)
		close(w->fd);
	*w = (struct waiting){ .fd = fd, .used = true, .stream = le16_get(hello->stream) };
	memcpy(w->token, hello->token, sizeof(w->token));
	w->order = arrivals++;
}

int hello_claim(const uint8_t *token, uint16_t *stream)
{
	for (unsigned int i = 0; i < HELLO_WAITING; i++) {
		struct waiting *w = &waitings[i];

		if (!w->used || memcmp(w->token, token, sizeof(w->token)) != 0)
			continue;
		w->used = false;
		*stream = w->stream;
		return w->fd;
	}
	return -1;
}

/* A whole, correct hello: the connection changes hands. Takes fd. */
static void hand_over(int fd, const struct hello_message *m)
{
	if (le16_get(m->hello.role) == ROLE_CONTROL)
		session_open(fd, le32_get(m->head.container), &m->hello);
	else if (le16_get(m->hello.role) == ROLE_QUERY)
		query_open(fd, le32_get(m->head.container), &m->hello);
	else if (!session_stream(fd, le32_get(m->head.container), &m->hello))
		wait_for_session(fd, &m->hello);
}

static void idle_ready(void *owner, uint32_t events)
{
	struct idle *x = owner;
	struct hello_message m;
	ssize_t n;
	int fd;

	(void)events;
	n = read(x->w.fd, (uint8_t *)&x->m + x->got, sizeof(x->m) - x->got);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		x->got += (size_t)n;
	if (n > 0 && x->got < sizeof(x->m))
		return;
	if (n <= 0 || !is_hello(&x->m)) {
		loop_close(&x->w);
		on_change(true);
		return;
	}
	m = x->m;
	fd = x->w.fd;
	loop_forget(&x->w);
	x->w.fd = -1;
	on_change(false);
	hand_over(fd, &m);
}

int hello_adopt(int fd)
{
	for (unsigned int i = 0; i < HELLO_IDLE; i++) {
		struct idle *x = &idles[i];
		int r;

		if (x->w.owner && x->w.fd >= 0)
			continue;
		*x = (struct idle){ .w = { .fd = fd, .ready = idle_ready, .owner = x } };
		r = loop_watch(&x->w, EPOLLIN);
		if (r < 0)
			x->w.fd = -1;
		return r;
	}
	return -ENFILE;
}
