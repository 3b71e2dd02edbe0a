/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of a thread: a fixed table of descriptors under one epoll instance. Each thread has
 * a loop of its own (the device thread; a device with a thread of its own), and only that thread calls
 * these functions; loop_add may also be called before the loop runs. No heap.
 */
#ifndef NACRE_VMM_LOOP_H
#define NACRE_VMM_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* `events` is what epoll_wait reported. The callback may remove its own source. */
typedef void (*loop_fn)(void *ctx, uint32_t events);

struct loop_source {
	int fd;	     /* -1: unused */
	uint32_t events; /* as last armed; 0: not armed */
	loop_fn fn;
	void *ctx;
};

/* Makes the loop of the calling thread. 0 or -errno. */
int loop_init(void);

/*
 * Registers *src (storage owned by the caller, valid until loop_remove) for EPOLL* events, level
 * triggered unless EPOLLET is among them. 0 or -errno.
 */
int loop_add(struct loop_source *src, int fd, uint32_t events, loop_fn fn, void *ctx);

/* Changes the events waited for; 0 also silences EPOLLHUP and EPOLLERR. */
void loop_arm(struct loop_source *src, uint32_t events);

/* Forgets the source; does not close the descriptor. */
void loop_remove(struct loop_source *src);

/* One timer: fn is called once, `ms` from now; a later call replaces it; ms < 0 disarms it. */
void loop_set_timer(int64_t ms, loop_fn fn, void *ctx);

/*
 * Once: fn is called as soon as nothing else is to be done, before the loop waits. A later call replaces
 * it.
 */
void loop_when_idle(void (*fn)(void));

/* Waits once, at most max_wait_ms (-1: as long as it takes), and delivers what came. */
void loop_step(int max_wait_ms);

/* Runs until the process ends. */
void loop_run(void) __attribute__((noreturn));

#endif
