/* SPDX-License-Identifier: Apache-2.0 */
/* PID 1 of a container that asked for a reaper (--init). Runs in the child. */
#ifndef NACRE_INIT_REAPER_H
#define NACRE_INIT_REAPER_H

#include <sys/types.h>

/* What the reaper tells init when the process has ended: its wait status, over SETUP_STATUS_FD. */
struct reaper_word {
	int status;
};

/*
 * Forks. In the child, the process to be, it returns. The parent stays as PID 1 of the container:
 * forwards signals to the child, reaps, and ends when the child has ended.
 */
void reaper_split(void);

#endif
