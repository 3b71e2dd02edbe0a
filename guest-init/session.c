/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of sessions and their connections; see session.h. How a session begins is in birth.c,
 * what the host may say in orders.c, how it ends in ending.c.
 */
#include "session.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "hello.h"
#include "kernel.h"
#include "notify.h"
#include "process_tree.h"
#include "reaper.h"
#include "session_impl.h"

/* Numbers of containers fit the node ids of virtio-fs: include/broker.h. */
#define NUMBER_MAX 0x7ffeu
#define SESSION_SLOTS (SESSIONS_MAX + SESSIONS_REFUSED)

static struct session sessions[SESSION_SLOTS];
static bool any_ever;

bool session_all_over(void)
{
	for (unsigned int i = 0; i < SESSION_SLOTS; i++) {
		if (sessions[i].used)
			return false;
	}
	return any_ever;
}

/* The session whose token this is, or NULL. */
static struct session *find_session(const uint8_t *token)
{
	for (unsigned int i = 0; i < SESSION_SLOTS; i++) {
		struct session *s = &sessions[i];

		if (s->used && memcmp(s->token, token, sizeof(s->token)) == 0)
			return s;
	}
	return NULL;
}

/* Ends what the session started: the container, or the process that joined and what came of it. */
static void kill_started(struct session *s)
{
	if (!s->container || s->child < 0)
		return;
	if (s->joined)
		process_tree_kill(s->child);
	else
		container_kill(s->container);
}

void session_drop(struct session *s)
{
	loop_close(&s->control);
	wire_in_done(&s->in);
	kill_started(s);
	ending_advance(s);
}

/* Writes what is queued and watches for what can happen next. False if the connection broke. */
static bool flush(struct session *s)
{
	int r = wire_flush(&s->out, s->control.fd);

	if (r < 0 || loop_watch(&s->control, EPOLLIN | (r == 0 ? EPOLLOUT : 0)) < 0)
		return false;
	notify_rearm(s);
	return true;
}

void session_send(struct session *s, enum msg_type type, const void *body, size_t len)
{
	if (s->control.fd < 0)
		return;
	/* What cannot be sent is noticed by the loop, which drops the session: not from in here. */
	if (wire_put(&s->out, type, s->number, body, len) < 0 || !flush(s)) {
		loop_close(&s->control);
		kill_started(s);
	}
}

void session_send_failed(struct session *s, const struct report *r)
{
	struct {
		struct msg_failed head;
		char text[PROTO_TEXT_MAX];
	} m = { .head = { .code = le16_of((uint16_t)r->code) } };
	size_t len = strnlen(r->text, sizeof(m.text));

	if (s->failed)
		return;
	s->failed = true;
	m.head.text_len = le16_of((uint16_t)len);
	memcpy(m.text, r->text, len);
	session_send(s, MSG_FAILED, &m, sizeof(m.head) + len);
	kill_started(s);
	ending_advance(s);
}

/* A stream that the plan does not ask for, or a second one, is closed. Takes fd. */
static void attach(struct session *s, uint16_t stream, int fd)
{
	if (pump_set_sock(&s->pumps[stream], fd) < 0)
		close(fd);
	ending_advance(s);
}

bool session_stream(int fd, uint32_t number, const struct msg_hello *hello)
{
	struct session *s = find_session(hello->token);

	if (!s)
		return false;
	if (s->number == number)
		attach(s, le16_get(hello->stream), fd);
	else
		close(fd);
	return true;
}

static void control_ready(void *owner, uint32_t events)
{
	struct session *s = owner;
	int r;

	if ((events & EPOLLOUT) && !flush(s)) {
		session_drop(s);
		return;
	}
	r = wire_read(&s->in, s->control.fd);
	if (r == 0)
		return;
	if (r == 1) {
		r = orders_dispatch(s);
		/* The session may have ended in there, and its connection with it. */
		if (!s->used)
			return;
		wire_in_done(&s->in);
	}
	if (r < 0)
		session_drop(s);
	else
		ending_advance(s);
}

static void pump_done(void *owner)
{
	ending_advance(owner);
}

static void grace_over(void *owner)
{
	struct session *s = owner;

	s->grace_over = true;
	ending_advance(s);
}

static void init_session(struct session *s, int fd, uint32_t number, const struct msg_hello *hello)
{
	memset(s, 0, sizeof(*s));
	s->used = true;
	s->number = number;
	memcpy(s->token, hello->token, sizeof(s->token));
	s->control = (struct watch){ .fd = fd, .ready = control_ready, .owner = s };
	s->setup = (struct watch){ .fd = -1, .ready = birth_setup_ready, .owner = s };
	s->notify = (struct watch){ .fd = -1, .ready = notify_ready, .owner = s };
	s->grace = (struct timeout){ .expired = grace_over, .owner = s };
	s->clock = (struct timeout){ .expired = clock_ask, .owner = s };
	s->oom.fd = -1;
	s->status_fd = -1;
	s->process = -1;
	s->process_fd = -1;
	s->child = -1;
	s->sync_helper = -1;
	for (unsigned int i = 0; i < STREAM_COUNT; i++)
		pump_init(&s->pumps[i], pump_done, s);
}

void session_open(int fd, uint32_t number, const struct msg_hello *hello)
{
	struct msg_hello_ack ack = { .version = le16_of(PROTO_VERSION) };
	struct session *s = NULL;
	uint16_t stream;

	for (unsigned int i = 0; i < SESSION_SLOTS && !s; i++)
		s = sessions[i].used ? NULL : &sessions[i];
	if (!s || number > NUMBER_MAX || find_session(hello->token)) {
		close(fd);
		return;
	}
	any_ever = true;
	init_session(s, fd, number, hello);
	s->surplus = s >= sessions + SESSIONS_MAX;
	session_send(s, MSG_HELLO_ACK, &ack, sizeof(ack));
	/* The answer says which version this side speaks; there is nothing more to say. */
	if (s->control.fd < 0 || le16_get(hello->version) != PROTO_VERSION) {
		session_drop(s);
		return;
	}
	while ((fd = hello_claim(hello->token, &stream)) >= 0)
		attach(s, stream, fd);
}

/*
 * The first process of `s`'s container ended; with a reaper, what that says of the process counts.
 */
static int status_of_process(struct session *s, int status)
{
	struct reaper_word word;

	if (s->status_fd >= 0 && read(s->status_fd, &word, sizeof(word)) == sizeof(word))
		return word.status;
	return status;
}

void session_child_ended(pid_t pid, int status)
{
	for (unsigned int i = 0; i < SESSION_SLOTS; i++) {
		struct session *s = &sessions[i];

		if (!s->used)
			continue;
		if (s->sync_helper == pid) {
			s->sync_helper = -1;
			ending_advance(s);
			return;
		}
		if (s->child == pid) {
			s->child = -1;
			if (!s->joined)
				s->container->init = -1;
			/* What it said before it died comes first. */
			birth_read_setup(s);
			ending_begin(s, status_of_process(s, status));
			return;
		}
	}
}
