/* SPDX-License-Identifier: Apache-2.0 */
/* A child that becomes a process of a container: from the clone to the exec. */
#ifndef NACRE_INIT_PROCESS_H
#define NACRE_INIT_PROCESS_H

#include <stdint.h>

#include "plan_read.h"
#include "proto.h"

struct process_start {
	const struct plan *plan;
	uint32_t number; /* of the container */
	int stdio[3];    /* its ends of the pipes; -1 each with a terminal */
	int fds[PROTO_PRESERVED_MAX]; /* its descriptors from 3 on; -1 behind the last */
	int setup_fd;    /* its end of the set-up channel */
	int status_fd;   /* the reaper's end of the status pipe; -1 without a reaper */
	int join_fd;     /* pidfd of the container's PID 1, for one that joins; else -1 */
	uint32_t namespaces; /* to join: CLONE_NEW* */
};

/*
 * Runs in the new process, the copy of init that clone3 made, with all of init's descriptors still
 * open. Does what the plan says and executes the command. Failures go through the set-up channel.
 */
_Noreturn void process_become(const struct process_start *start);

/*
 * The same for a process that joins a running container: it is in its pid namespace and cgroup
 * already, with init's credentials and in init's other namespaces.
 */
_Noreturn void process_join(const struct process_start *start);

#endif
