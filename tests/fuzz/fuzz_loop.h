/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device thread's loop (vmm/loop.h) under a fuzzer's control: level-triggered, like epoll, but
 * run step by step, so that a source which is ready for ever shows. Included once per fuzzer.
 */
#ifndef NACRE_FUZZ_LOOP_H
#define NACRE_FUZZ_LOOP_H

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "fuzz.h"
#include "vmm/log.h"
#include "vmm/loop.h"

#define FUZZ_SOURCES 320u

static struct loop_source *fuzz_source[FUZZ_SOURCES];

int loop_add(struct loop_source *src, int fd, uint32_t events, loop_fn fn, void *ctx)
{
	*src = (struct loop_source){ .fd = fd, .events = events, .fn = fn, .ctx = ctx };
	for (size_t i = 0; i < FUZZ_SOURCES; i++) {
		if (!fuzz_source[i]) {
			fuzz_source[i] = src;
			return 0;
		}
	}
	return -ENOSPC;
}

void loop_arm(struct loop_source *src, uint32_t events)
{
	if (src->fd >= 0)
		src->events = events;
}

void loop_remove(struct loop_source *src)
{
	for (size_t i = 0; i < FUZZ_SOURCES; i++) {
		if (fuzz_source[i] == src)
			fuzz_source[i] = NULL;
	}
	src->fd = -1;
}

void loop_set_timer(int64_t ms, loop_fn fn, void *ctx)
{
	(void)ms;
	(void)fn;
	(void)ctx;
}

static void (*fuzz_idle)(void);

void loop_when_idle(void (*fn)(void))
{
	fuzz_idle = fn;
}

/* Of threads, which a fuzzer has none of. */
int loop_init(void)
{
	return -ENOSYS;
}

void loop_run(void)
{
	abort();
}

/* Delivers what is ready. False when there was nothing. */
static bool fuzz_step(void)
{
	static struct pollfd p[FUZZ_SOURCES];
	static struct loop_source *src[FUZZ_SOURCES];
	static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLHUP == POLLHUP, "same bits");
	nfds_t n = 0;

	for (size_t i = 0; i < FUZZ_SOURCES; i++) {
		if (!fuzz_source[i] || !fuzz_source[i]->events)
			continue;
		src[n] = fuzz_source[i];
		p[n].fd = src[n]->fd;
		p[n].events = (short)src[n]->events;
		n++;
	}
	if (poll(p, n, 0) <= 0) {
		void (*fn)(void) = fuzz_idle;

		fuzz_idle = NULL;
		if (fn)
			fn();
		return fn && !fuzz_idle; /* one that asks for more has to wait for something */
	}
	for (nfds_t i = 0; i < n; i++) {
		uint64_t count;

		/* One callback may remove or silence the source of another. */
		if (!p[i].revents || src[i]->fd != p[i].fd || !src[i]->events)
			continue;
		/* An edge is over once it was reported. */
		if (src[i]->events & EPOLLET)
			(void)!read(p[i].fd, &count, sizeof(count));
		src[i]->fn(src[i]->ctx, (uint32_t)p[i].revents);
	}
	return true;
}

/* Runs until nothing is ready. A guest that does nothing more must not keep the device busy. */
static void fuzz_settle(unsigned int max_steps)
{
	for (unsigned int i = 0; fuzz_step(); i++)
		CLAIM(i < max_steps);
}

void log_line(const char *format, ...)
{
	(void)format;
}

void log_guest(const char *format, ...)
{
	(void)format;
}

#endif
