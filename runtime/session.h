/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From started companions to the end of the container's process: lets it start, passes signals on,
 * keeps the terminal, waits.
 */
#ifndef NACRE_RUNTIME_SESSION_H
#define NACRE_RUNTIME_SESSION_H

#include "failure.h"
#include "launch.h"

#define SESSION_STATUS_NACRE 125

/*
 * Runs the session and ends the companions. `signal_fd` is that of signals_open(). `with_terminal`:
 * standard input's terminal is to be raw while the process runs. Returns the status that nacre ends
 * with; when the failure is set it is to be reported with it.
 */
int session_run(struct launch *launch, int signal_fd, bool with_terminal, struct failure *failure);

#endif
