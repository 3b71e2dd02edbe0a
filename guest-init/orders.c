/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host may say in a session (include/proto.h), one function for each message. A message of
 * unknown type, of wrong length or out of order ends the session: the table below decides.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kernel.h"
#include "machine.h"
#include "network.h"
#include "processes.h"
#include "session_impl.h"

static int on_plan(struct session *s)
{
	return birth_begin(s, PLAN_OF_CONTAINER);
}

static int on_exec(struct session *s)
{
	return birth_begin(s, PLAN_OF_PROCESS);
}

/*
 * What the container's processes ask. It never takes the room of the session's own messages: then it
 * has to wait, or is lost.
 */
static bool ask_host(void *owner, enum resolve_transport transport, const void *bytes, size_t len)
{
	struct session *s = owner;
	struct {
		struct msg_resolve head;
		uint8_t bytes[PROTO_RESOLVE_MAX];
	} m = { .head.transport = le16_of((uint16_t)transport) };

	if (s->state > SESSION_RUNNING || s->out.len || len > sizeof(m.bytes))
		return false;
	memcpy(m.bytes, bytes, len);
	session_send(s, MSG_RESOLVE, &m, sizeof(m.head) + len);
	return true;
}

/* Interfaces that were attached after the container was made. Of a process that is held. */
static int attach_network(struct session *s)
{
	int resolver[RESOLVE_TRANSPORT_COUNT] = { -1, -1 };
	struct report r;
	int err;

	if (s->joined || !s->container || s->container->init <= 0)
		err = report_set(&r, FAILED_NACRE, EINVAL, "network");
	else
		err = network_attach(wire_in_body(&s->in), s->in.body_len, s->container->init,
				     s->container->init_fd, resolver, &r);
	if (!err && resolver[RESOLVE_STREAM] >= 0) {
		s->resolver = resolver_open(resolver, ask_host, s);
		err = s->resolver ? 0 : report_set(&r, FAILED_NACRE, ENOMEM, "resolver");
	}
	for (unsigned int i = 0; i < RESOLVE_TRANSPORT_COUNT && !s->resolver; i++) {
		if (resolver[i] >= 0)
			close(resolver[i]);
	}
	if (err < 0)
		session_send_failed(s, &r);
	return err;
}

static int on_start(struct session *s)
{
	if (s->start_asked)
		return -EPROTO;
	if (s->in.body_len && attach_network(s) < 0)
		return 0;
	s->start_asked = true;
	birth_start_if_ready(s);
	return 0;
}

static int on_signal(struct session *s)
{
	const struct msg_signal *m = wire_in_body(&s->in);
	uint32_t signo = le32_get(m->signo), scope = le32_get(m->scope);

	/* A process that joined speaks for itself only. */
	if (signo < 1 || signo > 64 || scope > (s->joined ? SIGNAL_PROCESS : SIGNAL_ALL))
		return -EPROTO;
	if (s->process < 0)
		return 0;
	if (scope == SIGNAL_PROCESS)
		(void)kernel_pidfd_send_signal(s->process_fd, (int)signo);
	else if (signo == SIGKILL)
		container_kill(s->container);
	else
		(void)processes_signal(s->number, 0, (int)signo,
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

	/* A clone's random numbers would be another's. */
	if (r < 0)
		machine_die("reseed: %s", strerror(-r));
	return 0;
}

/* As it was when the host began: behind a clock that came from the host, ahead of a clone's. */
static int on_set_clock(struct session *s)
{
	const struct msg_set_clock *m = wire_in_body(&s->in);
	int r = machine_set_clock_forward(le64_get(m->realtime_ns));

	if (r < 0)
		machine_log("clock: %s", strerror(-r));
	return 0;
}

static int on_clock_hint(struct session *s)
{
	s->clock_tries = 0;
	clock_ask(s);
	return 0;
}

static int on_resolved(struct session *s)
{
	const struct msg_resolve *m = wire_in_body(&s->in);
	uint16_t transport = le16_get(m->transport);

	if (transport >= RESOLVE_TRANSPORT_COUNT || le16_get(m->zero))
		return -EPROTO;
	if (s->resolver)
		resolver_answer(s->resolver, (enum resolve_transport)transport, m + 1,
				s->in.body_len - sizeof(*m));
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
	[MSG_EXEC] = { sizeof(struct plan_header), PROTO_MSG_MAX, SESSION_NEW, SESSION_NEW,
		       on_exec },
	[MSG_START] = { 0, PROTO_START_MAX, SESSION_MAKING, SESSION_TOLD, on_start },
	[MSG_SIGNAL] = { sizeof(struct msg_signal), sizeof(struct msg_signal), SESSION_HELD,
			 SESSION_TOLD, on_signal },
	[MSG_WINSIZE] = { sizeof(struct msg_winsize), sizeof(struct msg_winsize), SESSION_HELD,
			  SESSION_TOLD, on_winsize },
	[MSG_CLOCK_HINT] = { 0, 0, SESSION_HELD, SESSION_TOLD, on_clock_hint },
	[MSG_CLOCK_TELL] = { sizeof(struct msg_clock_tell), sizeof(struct msg_clock_tell),
			     SESSION_HELD, SESSION_TOLD, clock_told },
	[MSG_RESOLVED] = { sizeof(struct msg_resolve),
			   sizeof(struct msg_resolve) + PROTO_RESOLVE_MAX, SESSION_STARTING,
			   SESSION_TOLD, on_resolved },
	[MSG_RESEED] = { PROTO_RESEED_LEN, PROTO_RESEED_LEN, SESSION_NEW, SESSION_TOLD, on_reseed },
	[MSG_SET_CLOCK] = { sizeof(struct msg_set_clock), sizeof(struct msg_set_clock), SESSION_NEW,
			    SESSION_TOLD, on_set_clock },
};

int orders_dispatch(struct session *s)
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
