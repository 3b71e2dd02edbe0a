/* SPDX-License-Identifier: Apache-2.0 */
/* The child that becomes a container's process: from the clone to the exec. */
#ifndef NACRE_INIT_PROCESS_H
#define NACRE_INIT_PROCESS_H

#include <stdint.h>

#include "plan_read.h"

struct process_start {
	const struct plan *plan;
	uint32_t number; /* of the container */
	int stdio[3];    /* its ends of the pipes; -1 each with a terminal */
	int setup_fd;    /* its end of the set-up channel */
	int status_fd;   /* the reaper's end of the status pipe; -1 without a reaper */
};

/*
 * Runs in the new process, the copy of init that clone3 made, with all of init's descriptors still
 * open. Does what the plan says and executes the command. Failures go through the set-up channel.
 */
_Noreturn void process_become(const struct process_start *start);

#endif
