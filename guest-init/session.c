/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions, up to the end of their process; see session.h. The end is in ending.c. */
#include "session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cgroup.h"
#include "hello.h"
#include "kernel.h"
#include "machine.h"
#include "reaper.h"
#include "session_impl.h"
#include "setup.h"

/* Numbers of containers fit the node ids of virtio-fs: include/broker.h. */
#define NUMBER_MAX 0x7ffeu

static struct session sessions[SESSIONS_MAX];
static bool any_ever;

bool session_all_over(void)
{
	for (unsigned int i = 0; i < SESSIONS_MAX; i++) {
		if (sessions[i].used)
			return false;
	}
	return any_ever;
}

/* The session whose token this is, or NULL. */
static struct session *find_session(const uint8_t *token)
{
	for (unsigned int i = 0; i < SESSIONS_MAX; i++) {
		struct session *s = &sessions[i];

		if (s->used && memcmp(s->token, token, sizeof(s->token)) == 0)
			return s;
	}
	return NULL;
}

void session_drop(struct session *s)
{
	loop_close(&s->control);
	wire_in_done(&s->in);
	if (s->container && s->container->init > 0)
		container_kill(s->container);
	ending_advance(s);
}

/* Writes what is queued and watches for what can happen next. False if the connection broke. */
static bool flush(struct session *s)
{
	int r = wire_flush(&s->out, s->control.fd);

	return r >= 0 && loop_watch(&s->control, EPOLLIN | (r == 0 ? EPOLLOUT : 0)) == 0;
}

void session_send(struct session *s, enum msg_type type, const void *body, size_t len)
{
	if (s->control.fd < 0)
		return;
	/* What cannot be sent is noticed by the loop, which drops the session: not from in here. */
	if (wire_put(&s->out, type, s->number, body, len) < 0 || !flush(s)) {
		loop_close(&s->control);
		if (s->container && s->container->init > 0)
			container_kill(s->container);
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
	if (s->container && s->container->init > 0)
		container_kill(s->container);
	ending_advance(s);
}

/* Lets the held process exec, when it is held and the host wants it. */
static void start_if_ready(struct session *s)
{
	if (s->state != SESSION_HELD || !s->start_asked || s->process < 0)
		return;
	s->state = SESSION_STARTING;
	(void)setup_tell(s->setup.fd, SETUP_START); /* if it is gone, its end is on its way */
}

/* The process is ready for exec: `pid` is it, `master` its terminal's or -1. Takes master. */
static void process_held(struct session *s, pid_t pid, int master)
{
	struct report r;
	int err;

	s->process = pid;
	s->process_fd = kernel_pidfd_open(pid);
	err = s->process_fd < 0 ? s->process_fd : 0;
	if (master >= 0) {
		err = fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0
			      ? -errno
			      : pump_set_local(&s->pumps[STREAM_TTY], PUMP_TTY, master);
		if (err < 0)
			close(master);
	}
	if (err < 0)
		report_set(&r, FAILED_NACRE, -err, "process of the container");
	else
		err = container_finish(s->container, &s->plan, pid, &r);
	free(s->plan_buf);
	s->plan_buf = NULL;
	if (err < 0) {
		session_send_failed(s, &r);
		return;
	}
	s->state = SESSION_HELD;
	session_send(s, MSG_CREATED, NULL, 0);
	start_if_ready(s);
}

/* The channel is closed: by the exec, or by a death that will be reported on its own. */
static void setup_closed(struct session *s)
{
	loop_close(&s->setup);
	if (s->state != SESSION_STARTING || s->failed)
		return;
	s->state = SESSION_RUNNING;
	session_send(s, MSG_STARTED, NULL, 0);
}

void session_read_setup(struct session *s)
{
	while (s->setup.fd >= 0) {
		struct setup_message m;
		pid_t pid;
		int passed, r = setup_receive(s->setup.fd, &m, &pid, &passed);

		if (r == 0)
			return;
		if (r == 1 && m.type == SETUP_HELD && s->state == SESSION_MAKING &&
		    s->process < 0) {
			process_held(s, pid, passed);
			continue;
		}
		if (passed >= 0)
			close(passed);
		if (r == 1 && m.type == SETUP_FAILED)
			session_send_failed(s, &m.report);
		else
			setup_closed(s);
	}
}

static void setup_ready(void *owner, uint32_t events)
{
	(void)events;
	session_read_setup(owner);
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

/* Init's ends of pipes go to the pumps, the set-up channel to the loop. 0 or -errno. */
static int take_ends(struct session *s, struct container_ends *ends)
{
	int r = 0;

	s->status_fd = ends->status_fd;
	s->setup.fd = ends->setup_fd;
	for (unsigned int i = 0; i < 3; i++) {
		if (r == 0 && ends->stdio[i] >= 0)
			r = pump_set_local(&s->pumps[i], i == 0 ? PUMP_IN : PUMP_OUT,
					   ends->stdio[i]);
		if (r == 0)
			ends->stdio[i] = -1;
	}
	ends->setup_fd = -1;
	ends->status_fd = -1;
	container_close_ends(ends);
	return r < 0 ? r : loop_watch(&s->setup, EPOLLIN);
}

static int on_plan(struct session *s)
{
	struct container_ends ends;
	const char *why;
	struct report r;

	s->plan_buf = s->in.plan;
	s->in.plan = NULL;
	if (plan_decode(&s->plan, s->plan_buf, s->in.body_len, &why) < 0) {
		report_set(&r, FAILED_NACRE, 0, "plan: %s", why);
		session_send_failed(s, &r);
		return 0;
	}
	s->state = SESSION_MAKING;
	s->container = container_make(s->number, &s->plan, &ends, &r);
	if (s->container && take_ends(s, &ends) == 0)
		return 0;
	if (s->container)
		report_set(&r, FAILED_NACRE, ENOMEM, "session");
	session_send_failed(s, &r);
	return 0;
}

static int on_start(struct session *s)
{
	if (s->start_asked)
		return -EPROTO;
	s->start_asked = true;
	start_if_ready(s);
	return 0;
}

static int on_signal(struct session *s)
{
	const struct msg_signal *m = wire_in_body(&s->in);
	uint32_t signo = le32_get(m->signo), scope = le32_get(m->scope);

	if (signo < 1 || signo > 64 || scope > SIGNAL_ALL)
		return -EPROTO;
	if (s->process < 0)
		return 0;
	if (scope == SIGNAL_PROCESS)
		(void)kernel_pidfd_send_signal(s->process_fd, (int)signo);
	else if (signo == SIGKILL)
		container_kill(s->container);
	else
		cgroup_signal(s->container->cgroup, (int)signo,
			      s->container->reaper ? s->container->init : 0);
	return 0;
}

static int on_winsize(struct session *s)
{
	const struct msg_winsize *m = wire_in_body(&s->in);
	struct winsize size = {
		.ws_row = le16_get(m->rows),
		.ws_col = le16_get(m->cols),
		.ws_xpixel = le16_get(m->xpixel),
		.ws_ypixel = le16_get(m->ypixel),
	};
	int master = s->pumps[STREAM_TTY].local.fd;

	/* The terminal may have gone with its process while this was on its way. */
	if (master >= 0)
		(void)ioctl(master, TIOCSWINSZ, &size);
	return 0;
}

static int on_reseed(struct session *s)
{
	int r = machine_reseed(wire_in_body(&s->in), PROTO_RESEED_LEN);

	if (r < 0)
		machine_log("reseed: %s", strerror(-r));
	return 0;
}

static int on_set_clock(struct session *s)
{
	const struct msg_set_clock *m = wire_in_body(&s->in);
	int r = machine_set_clock(le64_get(m->realtime_ns));

	if (r < 0)
		machine_log("clock: %s", strerror(-r));
	return 0;
}

/* What the host may send: how long its body is, and in which states. */
static const struct {
	uint32_t min_len, max_len;
	enum session_state from, to;
	int (*handle)(struct session *s);
} messages[] = {
	[MSG_PLAN] = { sizeof(struct plan_header), PROTO_MSG_MAX, SESSION_NEW, SESSION_NEW,
		       on_plan },
	[MSG_START] = { 0, 0, SESSION_MAKING, SESSION_TOLD, on_start },
	[MSG_SIGNAL] = { sizeof(struct msg_signal), sizeof(struct msg_signal), SESSION_HELD,
			 SESSION_TOLD, on_signal },
	[MSG_WINSIZE] = { sizeof(struct msg_winsize), sizeof(struct msg_winsize), SESSION_HELD,
			  SESSION_TOLD, on_winsize },
	[MSG_RESEED] = { PROTO_RESEED_LEN, PROTO_RESEED_LEN, SESSION_NEW, SESSION_TOLD, on_reseed },
	[MSG_SET_CLOCK] = { sizeof(struct msg_set_clock), sizeof(struct msg_set_clock), SESSION_NEW,
			    SESSION_TOLD, on_set_clock },
};

/* Acts on the message that was read. 0 or -EPROTO. */
static int dispatch(struct session *s)
{
	uint16_t type = wire_in_type(&s->in);

	if (type >= sizeof(messages) / sizeof(messages[0]) || !messages[type].handle ||
	    s->in.body_len < messages[type].min_len || s->in.body_len > messages[type].max_len ||
	    le32_get(s->in.head.container) != s->number)
		return -EPROTO;
	if (s->state < messages[type].from || s->state > messages[type].to)
		return -EPROTO;
	return messages[type].handle(s);
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
		r = dispatch(s);
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
	s->setup = (struct watch){ .fd = -1, .ready = setup_ready, .owner = s };
	s->grace = (struct timeout){ .expired = grace_over, .owner = s };
	s->status_fd = -1;
	s->process = -1;
	s->process_fd = -1;
	s->sync_helper = -1;
	for (unsigned int i = 0; i < STREAM_COUNT; i++)
		pump_init(&s->pumps[i], pump_done, s);
}

void session_open(int fd, uint32_t number, const struct msg_hello *hello)
{
	struct msg_hello_ack ack = { .version = le16_of(PROTO_VERSION) };
	struct session *s = NULL;
	uint16_t stream;

	for (unsigned int i = 0; i < SESSIONS_MAX && !s; i++)
		s = sessions[i].used ? NULL : &sessions[i];
	if (!s || number > NUMBER_MAX || find_session(hello->token)) {
		close(fd);
		return;
	}
	any_ever = true;
	init_session(s, fd, number, hello);
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
	for (unsigned int i = 0; i < SESSIONS_MAX; i++) {
		struct session *s = &sessions[i];

		if (!s->used)
			continue;
		if (s->sync_helper == pid) {
			s->sync_helper = -1;
			ending_advance(s);
			return;
		}
		if (s->container && s->container->init == pid) {
			s->container->init = -1;
			/* What it said before it died comes first. */
			session_read_setup(s);
			ending_begin(s, status_of_process(s, status));
			return;
		}
	}
}
