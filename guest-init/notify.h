/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket of sd_notify(3) of a container: init has it, the container sees it as a file, and what a
 * process sends there goes to the host as MSG_NOTIFY. Init looks at no byte of it: the host's side
 * checks. Descriptors that come along are closed.
 */
#ifndef NACRE_INIT_NOTIFY_H
#define NACRE_INIT_NOTIFY_H

#include "plan_read.h"
#include "report.h"

struct session;

/*
 * Makes the socket of container `number`, if the plan wants one: *fd, non-blocking, or -1.
 * devices_forget() removes its file. 0, or -errno with *r filled in.
 */
int notify_make(uint32_t number, const struct plan *p, int *fd, struct report *r);

/* In the child, before the pivot: binds it to the plan's path. Failures end the process. */
void notify_bind(int root, const struct plan *p, uint32_t number);

/* The loop's callback; `owner` is the session. Passes one message on. */
void notify_ready(void *owner, uint32_t events);

/*
 * Watches while the process runs and nothing waits to be sent to the host: so that a container which
 * sends without end fills its own socket and nothing else.
 */
void notify_rearm(struct session *s);

/* The process has ended: passes on the last messages, a few at most, and closes. */
void notify_end(struct session *s);

#endif
