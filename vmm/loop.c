/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop of a thread. See loop.h. */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "log.h"

#define EVENTS_PER_WAIT 32

static _Thread_local struct {
	int epoll_fd;
	/* The batch being delivered, so that loop_remove can take a source out of it. */
	struct epoll_event batch[EVENTS_PER_WAIT];
	int n_batch;
	int64_t deadline_ms; /* CLOCK_MONOTONIC; -1: no timer */
	loop_fn timer_fn;
	void *timer_ctx;
	void (*idle_fn)(void);
} loop = { .epoll_fd = -1, .deadline_ms = -1 };

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int loop_init(void)
{
	loop.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop.epoll_fd < 0 ? -errno : 0;
}

int loop_add(struct loop_source *src, int fd, uint32_t events, loop_fn fn, void *ctx)
{
	*src = (struct loop_source){ .fd = fd, .events = 0, .fn = fn, .ctx = ctx };
	if (events == 0)
		return 0;

	struct epoll_event e = { .events = events, .data.ptr = src };

	if (epoll_ctl(loop.epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		return -errno;
	src->events = events;
	return 0;
}

void loop_arm(struct loop_source *src, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = src };
	int op;

	if (src->fd < 0 || src->events == events)
		return;
	/* EPOLLHUP and EPOLLERR cannot be masked: silence means leaving the set. */
	if (src->events == 0)
		op = EPOLL_CTL_ADD;
	else
		op = events ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
	if (epoll_ctl(loop.epoll_fd, op, src->fd, &e) < 0)
		log_line("epoll_ctl on descriptor %d: error %d", src->fd, errno);
	else
		src->events = events;
}

void loop_remove(struct loop_source *src)
{
	loop_arm(src, 0);
	for (int i = 0; i < loop.n_batch; i++) {
		if (loop.batch[i].data.ptr == src)
			loop.batch[i].data.ptr = NULL;
	}
	src->fd = -1;
}

void loop_set_timer(int64_t ms, loop_fn fn, void *ctx)
{
	loop.deadline_ms = ms < 0 ? -1 : now_ms() + ms;
	loop.timer_fn = fn;
	loop.timer_ctx = ctx;
}

/* Milliseconds for epoll_wait, after running the timer if it is due. */
static int run_timer(void)
{
	int64_t left;

	if (loop.deadline_ms < 0)
		return -1;
	left = loop.deadline_ms - now_ms();
	if (left > 0)
		return left > 1000000 ? 1000000 : (int)left;
	loop.deadline_ms = -1;
	loop.timer_fn(loop.timer_ctx, 0);
	return run_timer();
}

void loop_when_idle(void (*fn)(void))
{
	loop.idle_fn = fn;
}

/* Events into loop.batch: their number. */
static int wait_for_events(int wait_ms)
{
	int n = epoll_wait(loop.epoll_fd, loop.batch, EVENTS_PER_WAIT, wait_ms);

	if (n < 0 && errno != EINTR) {
		log_line("epoll_wait: error %d", errno);
		abort();
	}
	return n > 0 ? n : 0;
}

void loop_step(int max_wait_ms)
{
	int wait = run_timer();
	int n = 0;

	if (max_wait_ms >= 0 && (wait < 0 || wait > max_wait_ms))
		wait = max_wait_ms;
	if (loop.idle_fn) {
		void (*fn)(void) = loop.idle_fn;

		n = wait_for_events(0);
		if (n == 0) {
			loop.idle_fn = NULL;
			fn();
		}
	}
	if (n == 0)
		n = wait_for_events(wait);
	loop.n_batch = n;
	for (int i = 0; i < loop.n_batch; i++) {
		struct loop_source *src = loop.batch[i].data.ptr;

		if (src && src->events)
			src->fn(src->ctx, loop.batch[i].events);
	}
	loop.n_batch = 0;
}

void loop_run(void)
{
	for (;;)
		loop_step(-1);
}
