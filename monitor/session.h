/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session: the container's process in the guest, for which the monitor stands on the host.
 * Talks to the guest (protocol.h), to nacre (include/monitorwire.h) and to the user, passes on what
 * reaches the monitor as a signal, and ends as the process ended.
 */
#ifndef NACRE_MONITOR_SESSION_H
#define NACRE_MONITOR_SESSION_H

#include "options.h"

/*
 * Before confinement: what the session needs open. `witness_fd` is that of witness_start(), or -1.
 * Returns 0 or -errno.
 */
int session_prepare(const struct options *options, int witness_fd);

/* In the container's network namespace, before confinement: what the session needs of it. */
int session_prepare_network(void);

/* The highest descriptor that the session keeps. */
unsigned int session_highest_fd(void);

/*
 * Makes the threads and sends what begins the session: the plan, and whose connection is whose.
 * After confine_files(), before the seccomp filter. Errors end the process.
 */
void session_begin(void);

/* Runs the session. After confinement; does not return. */
void session_run(void) __attribute__((noreturn));

#endif
