/* SPDX-License-Identifier: Apache-2.0 */
/* Standard streams; see pump.h. */
#include "pump.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLOW_BYTES   65536u /* as much as a pipe holds */
#define TTY_PAUSE_MS 100

enum flow_result {
	FLOW_GOES_ON, /* waits for one of its ends */
	FLOW_ENDED,   /* the source ended and everything is written */
	FLOW_BROKEN,  /* the destination takes no more */
	FLOW_HUNG_UP, /* the pty has no slave just now */
};

static enum flow_result flow_write(struct flow *f, int dst)
{
	while (f->len > 0) {
		ssize_t n = write(dst, f->buf + f->off, f->len);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return FLOW_GOES_ON;
		if (n < 0)
			return FLOW_BROKEN;
		f->off += (size_t)n;
		f->len -= (size_t)n;
	}
	return f->open && f->limit > 0 ? FLOW_GOES_ON : FLOW_ENDED;
}

/* Moves what can be moved now: at most one read, so that no stream starves the others. */
static enum flow_result flow_step(struct flow *f, int src, int dst)
{
	if (f->len == 0 && f->open && f->limit > 0) {
		ssize_t n = read(src, f->buf, f->limit < FLOW_BYTES ? f->limit : FLOW_BYTES);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return FLOW_GOES_ON;
		if (n < 0 && errno == EIO)
			return FLOW_HUNG_UP;
		if (n <= 0)
			f->open = false;
		f->off = 0;
		f->len = n > 0 ? (size_t)n : 0;
		f->limit -= f->len;
	}
	return flow_write(f, dst);
}

static void flow_close(struct flow *f)
{
	free(f->buf);
	*f = (struct flow){ .open = false };
}

static bool flow_open(struct flow *f)
{
	f->buf = malloc(FLOW_BYTES);
	f->open = f->buf != NULL;
	f->limit = SIZE_MAX;
	return f->open;
}

static bool is_busy(const struct flow *f)
{
	return f->open || f->len > 0;
}

void pump_close(struct pump *p)
{
	loop_cancel(&p->pause);
	loop_close(&p->sock);
	loop_close(&p->local);
	flow_close(&p->in);
	flow_close(&p->out);
	p->finished = true;
}

static void finish(struct pump *p)
{
	if (p->finished)
		return;
	pump_close(p);
	p->done(p->owner);
}

/*
 * Watches one end for what can make a flow move; 0 events are worth an epoll entry only if asked.
 */
static int watch_end(struct watch *w, uint32_t events, bool for_errors)
{
	if (events == 0 && !for_errors) {
		loop_forget(w);
		return 0;
	}
	return loop_watch(w, events);
}

static void rearm(struct pump *p)
{
	uint32_t sock = 0, local = 0;

	if (p->in.open && p->in.len == 0)
		sock |= EPOLLIN;
	if (p->in.len > 0)
		local |= EPOLLOUT;
	if (p->out.open && p->out.len == 0)
		local |= EPOLLIN;
	if (p->out.len > 0)
		sock |= EPOLLOUT;
	if (p->kind == PUMP_OUT && !p->no_rdhup)
		sock |= EPOLLRDHUP;
	if (p->pausing)
		local = 0;
	if (watch_end(&p->sock, sock, false) < 0 ||
	    watch_end(&p->local, local,
		      p->kind == PUMP_IN || (p->kind == PUMP_BOTH && !is_busy(&p->out))) < 0)
		finish(p);
}

/* The host's stream -> the process. */
static void step_in(struct pump *p)
{
	enum flow_result r;

	if (!is_busy(&p->in))
		return;
	r = flow_step(&p->in, p->sock.fd, p->local.fd);
	if (r == FLOW_GOES_ON)
		return;
	flow_close(&p->in); /* a terminal's input ends; its output goes on */
	if (p->kind == PUMP_BOTH)
		shutdown(p->local.fd, SHUT_WR);
	if (p->kind == PUMP_IN || (p->kind == PUMP_BOTH && !is_busy(&p->out)))
		finish(p);
}

static void step_out(struct pump *p)
{
	enum flow_result r;

	if (p->finished || !is_busy(&p->out) || p->pausing)
		return;
	r = flow_step(&p->out, p->local.fd, p->sock.fd);
	if (r == FLOW_GOES_ON)
		return;
	if (r == FLOW_HUNG_UP && p->kind == PUMP_TTY && !p->process_gone) {
		p->pausing = true;
		loop_timeout(&p->pause, TTY_PAUSE_MS);
		return;
	}
	if (r != FLOW_BROKEN)
		shutdown(p->sock.fd, SHUT_WR);
	if (p->kind == PUMP_BOTH && r == FLOW_ENDED && is_busy(&p->in))
		flow_close(&p->out); /* the process may go on reading */
	else
		finish(p);
}

static void step(struct pump *p)
{
	if (p->finished || p->sock.fd < 0 || p->local.fd < 0)
		return;
	step_in(p);
	step_out(p);
	if (!p->finished)
		rearm(p);
}

static void pause_over(void *owner)
{
	struct pump *p = owner;

	p->pausing = false;
	step(p);
}

/* Did the host close the whole connection, not only its sending half? */
static bool host_closed(int fd)
{
	return send(fd, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EPIPE;
}

static void sock_ready(void *owner, uint32_t events)
{
	struct pump *p = owner;

	if (p->kind == PUMP_OUT && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))) {
		if ((events & EPOLLERR) || host_closed(p->sock.fd)) {
			finish(p);
			return;
		}
		p->no_rdhup = true;
	}
	step(p);
}

static void local_ready(void *owner, uint32_t events)
{
	struct pump *p = owner;

	/* nobody is left to read: pipe(7); of a socket, nobody has it any more and all is read */
	if ((p->kind == PUMP_IN && (events & EPOLLERR)) ||
	    (p->kind == PUMP_BOTH && (events & EPOLLHUP) && !is_busy(&p->out))) {
		finish(p);
		return;
	}
	step(p);
}

void pump_init(struct pump *p, void (*done)(void *owner), void *owner)
{
	*p = (struct pump){ .kind = PUMP_NONE, .done = done, .owner = owner };
	p->sock = (struct watch){ .fd = -1, .ready = sock_ready, .owner = p };
	p->local = (struct watch){ .fd = -1, .ready = local_ready, .owner = p };
	p->pause = (struct timeout){ .expired = pause_over, .owner = p };
}

/* Others hold the pipe that a process which is gone wrote to: what is in it now is all there is. */
static void limit_output(struct pump *p)
{
	int left = 0;

	if ((p->kind != PUMP_OUT && p->kind != PUMP_BOTH) || !p->process_gone || !p->others ||
	    !p->out.open)
		return;
	(void)ioctl(p->local.fd, FIONREAD, &left);
	p->out.limit = (size_t)left;
}

/* Begins once both ends are there. 0 or -ENOMEM. */
static int begin(struct pump *p)
{
	if (p->sock.fd < 0 || p->local.fd < 0)
		return 0;
	if (p->kind != PUMP_OUT && !flow_open(&p->in))
		return -ENOMEM;
	if (p->kind != PUMP_IN && !flow_open(&p->out))
		return -ENOMEM;
	limit_output(p);
	if (p->process_gone && p->others)
		step(p);
	else
		rearm(p);
	return 0;
}

int pump_set_local(struct pump *p, enum pump_kind kind, int fd)
{
	int r;

	p->kind = kind;
	p->local.fd = fd;
	r = begin(p);
	if (r < 0)
		p->local.fd = -1;
	return r;
}

int pump_set_sock(struct pump *p, int fd)
{
	int r;

	if (p->sock.fd >= 0 || p->finished)
		return -EEXIST;
	p->sock.fd = fd;
	r = begin(p);
	if (r < 0)
		p->sock.fd = -1;
	return r;
}

void pump_process_gone(struct pump *p, bool others)
{
	p->process_gone = true;
	p->others = others;
	if (p->kind == PUMP_NONE || p->finished)
		return;
	if (p->kind == PUMP_IN) {
		finish(p);
		return;
	}
	if (p->kind == PUMP_TTY || p->kind == PUMP_BOTH) {
		flow_close(&p->in);
		loop_cancel(&p->pause);
		p->pausing = false;
	}
	/* the process had ended its output before */
	if (p->kind == PUMP_BOTH && p->sock.fd >= 0 && !is_busy(&p->out)) {
		finish(p);
		return;
	}
	limit_output(p);
	step(p);
}
