/* SPDX-License-Identifier: Apache-2.0 */
/* What nacre-init shares with a process that is being made: pipes, sockets, the set-up channel. */
#ifndef NACRE_INIT_ENDS_H
#define NACRE_INIT_ENDS_H

#include "plan_read.h"
#include "process.h"
#include "pump.h"

/* Init's ends; -1 where there is none. */
struct process_ends {
	int stdio[3];  /* non-blocking */
	int fds[PROTO_PRESERVED_MAX]; /* of PLAN_FD; non-blocking */
	int notify_fd; /* of PLAN_NOTIFY; non-blocking */
	int setup_fd;  /* non-blocking */
	int status_fd; /* where the reaper writes a struct reaper_word; non-blocking */
};

/* Nothing open. */
void ends_init(struct process_ends *ends);

/*
 * Makes everything that the plan asks for; the process's ends go to *start. 0 or -errno; what was
 * opened is in *ends and *start also on failure.
 */
int ends_open(const struct plan *p, struct process_ends *ends, struct process_start *start);

/* How the n-th PLAN_FD is pumped. */
enum pump_kind ends_pump_kind(const struct plan *p, unsigned int n);

/* Close what is open of init's side, and of the process's. */
void ends_close(struct process_ends *ends);
void ends_close_theirs(struct process_start *start);

#endif
