/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of a container: those that are in its cgroup or below it, as the kernel says in
 * /proc of init. May block on a hostile process' memory: not for init itself but for its children.
 */
#ifndef NACRE_INIT_PROCESSES_H
#define NACRE_INIT_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto.h"

/*
 * Gives `take` all processes of container `number`, in pieces of 1 to PROTO_PROCESSES_MAX. Ends
 * when it returns false: -EPIPE. 0 or -errno.
 */
int processes_list(uint32_t number,
		   bool (*take)(void *ctx, const struct msg_process *p, size_t n), void *ctx);

/*
 * Sends `signo` to the process that the container numbers `pid`, or with 0 to all but `except` (as
 * seen from here; 0: none). Returns how many got it. Those forked meanwhile may miss it.
 */
unsigned int processes_signal(uint32_t number, uint32_t pid, int signo, pid_t except);

#endif
