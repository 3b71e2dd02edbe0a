/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop; see loop.h. */
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static int epoll_fd = -1;
static struct timeout *timeouts;

int loop_open(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return epoll_fd < 0 ? -errno : 0;
}

int loop_watch(struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data = { .ptr = w } };

	if (w->armed && w->events == events)
		return 0;
	if (epoll_ctl(epoll_fd, w->armed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w->fd, &ev) < 0)
		return -errno;
	w->armed = true;
	w->events = events;
	return 0;
}

void loop_forget(struct watch *w)
{
	if (!w->armed)
		return;
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	w->armed = false;
}

void loop_close(struct watch *w)
{
	loop_forget(w);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void loop_timeout(struct timeout *t, int ms)
{
	loop_cancel(t);
	t->at = now_ms() + ms;
	t->set = true;
	t->next = timeouts;
	timeouts = t;
}

void loop_cancel(struct timeout *t)
{
	if (!t->set)
		return;
	for (struct timeout **p = &timeouts; *p; p = &(*p)->next) {
		if (*p == t) {
			*p = t->next;
			break;
		}
	}
	t->set = false;
}

/* The timeout that is due first, or NULL. */
static struct timeout *first_timeout(void)
{
	struct timeout *first = timeouts;

	for (struct timeout *t = timeouts; t; t = t->next) {
		if (t->at < first->at)
			first = t;
	}
	return first;
}

/* How long epoll_wait may sleep; -1 for ever. */
static int wait_ms(const struct timeout *first)
{
	int64_t left;

	if (!first)
		return -1;
	left = first->at - now_ms();
	if (left <= 0)
		return 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

int loop_step(void)
{
	struct timeout *first = first_timeout();
	struct epoll_event ev;
	int n = epoll_wait(epoll_fd, &ev, 1, wait_ms(first));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 1) {
		struct watch *w = ev.data.ptr;

		w->ready(w->owner, ev.events);
	}
	/* The callback may have taken the timeout back: look again. */
	first = first_timeout();
	if (first && first->at <= now_ms()) {
		loop_cancel(first);
		first->expired(first->owner);
	}
	return 0;
}
