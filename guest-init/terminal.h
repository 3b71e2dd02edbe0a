/* SPDX-License-Identifier: Apache-2.0 */
/* The pty of a process with a terminal: from the container's own devpts. Runs in the child. */
#ifndef NACRE_INIT_TERMINAL_H
#define NACRE_INIT_TERMINAL_H

#include "plan_read.h"

/*
 * Opens a pty of the devpts that is mounted at the container's /dev/pts, gives it the plan's size
 * and owner, and binds it on /dev/console if `console`. Before the pivot. Failures end the process
 * with a report. Returns the master; *slave is the other end.
 */
int terminal_open(int root, const struct plan *p, bool console, int *slave);

/* Makes `slave` the controlling terminal of a new session and descriptors 0, 1, 2. Takes it. */
void terminal_take(int slave);

#endif
