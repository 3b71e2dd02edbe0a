/* SPDX-License-Identifier: Apache-2.0 */
/* A companion that this nacre started: its pid, how it ended, what it wrote to standard error. */
#ifndef NACRE_RUNTIME_CHILD_H
#define NACRE_RUNTIME_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lines.h"
#include "spawn.h"

struct child {
	const char *name;
	pid_t pid; /* 0: not started */
	int pidfd;
	struct lines lines; /* its standard error; the monitor's: lines for the user */
	bool ended;
	bool killed_by_us;
	int wait_status; /* when ended */
};

/* One that is not started. */
#define CHILD_NONE(called) { .name = (called), .pidfd = -1, .lines = { .fd = -1 } }

/* Starts one with a pipe for the lines of its standard error. 0, or -errno with the failure set. */
int child_start(struct child *child, struct spawn *spawn, struct failure *failure);

/* Notes that a child whose pidfd is readable has ended. */
void child_reap(struct child *child);

/* Waits for the child until the deadline (CLOCK_MONOTONIC, ms), then kills it. */
void child_finish(struct child *child, int64_t deadline_ms);

/* Closes what is held of it. It lives on, and is whoever's next above us. */
void child_let_go(struct child *child);

/* CLOCK_MONOTONIC, in ms. */
int64_t child_now_ms(void);

#endif
