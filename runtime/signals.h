/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every signal that can be caught, real-time signals and libc's own two included, is blocked and
 * read from a descriptor: nothing ends nacre but its own decision, SIGKILL and a fault.
 */
#ifndef NACRE_RUNTIME_SIGNALS_H
#define NACRE_RUNTIME_SIGNALS_H

#include <stdbool.h>

#include "failure.h"

/* A caller that ignores SIGCHLD would leave us no children to wait for. First of all. */
void signals_keep_children(void);

/*
 * Blocks them. Returns the descriptor, or -errno with the failure set. SIGCHLD is not among them.
 */
int signals_open(struct failure *failure);

/* The next signal that somebody sent, 0 when none waits. */
int signals_next(int fd);

/* True when a process that handles nothing would end by the signal. */
bool signals_is_ending(int signo);

#endif
