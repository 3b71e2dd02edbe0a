/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of nacre-init: descriptors to watch (epoll, level-triggered) and timeouts. One
 * thread, no heap. One event is taken from the kernel at a time, so a callback may forget, close or
 * reuse any watch without meeting a stale event.
 */
#ifndef NACRE_INIT_LOOP_H
#define NACRE_INIT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* A watched descriptor. Zero it, set fd to -1, then ready and owner; the rest is the loop's. */
struct watch {
	int fd;
	bool armed;
	uint32_t events;
	void (*ready)(void *owner, uint32_t events);
	void *owner;
};

/* Something to do later, once. Zero it, set expired and owner. */
struct timeout {
	bool set;
	int64_t at; /* ms of CLOCK_BOOTTIME */
	struct timeout *next;
	void (*expired)(void *owner);
	void *owner;
};

/* Makes the loop. 0 or -errno. */
int loop_open(void);

/*
 * Watches w->fd for `events` (EPOLL*) from now on; EPOLLERR and EPOLLHUP come unasked, also with 0.
 * Cheap when nothing changes. 0 or -errno.
 */
int loop_watch(struct watch *w, uint32_t events);

/* Stops watching; the descriptor stays open. Nothing happens to one that is not watched. */
void loop_forget(struct watch *w);

/* Stops watching and closes the descriptor; w->fd is -1 afterwards. */
void loop_close(struct watch *w);

/* Calls t->expired in `ms` milliseconds; an earlier setting is replaced. */
void loop_timeout(struct timeout *t, int ms);

/* Takes a timeout back. */
void loop_cancel(struct timeout *t);

/* Waits for one event or timeout and handles it. 0, or -errno when the loop itself is broken. */
int loop_step(void);

#endif
