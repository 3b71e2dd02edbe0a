/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `nacre run --timing FILE`: when what happened in one run, for tools/bench. Stamps are taken always
 * (reads of a clock), written only when asked for.
 */
#ifndef NACRE_RUNTIME_TIMING_H
#define NACRE_RUNTIME_TIMING_H

#include "failure.h"

enum timing_stamp {
	TIMING_MAIN,	/* main() of nacre */
	TIMING_CHECKED, /* options, config.json and files are read and checked */
	TIMING_SPAWNED, /* fsd, VMM and monitor were started */
	TIMING_READY,	/* the guest holds the process at its exec */
	TIMING_STARTED, /* the process runs */
	TIMING_EXITED,	/* the monitor ended with the process' status */
	TIMING_ENDED,	/* VMM and fsd have ended, too */
	TIMING_REMOVED, /* cgroup and state are removed */
	TIMING_COUNT
};

/* Notes the time, the first time it is called for a phase. */
void timing_stamp(enum timing_stamp stamp);

/* Takes over what the VMM wrote about itself, from the status file, before that is closed. */
void timing_read_vm(int status_fd);

/*
 * Opens `path` to write it when all is over; until then a file keeps what is in it. A descriptor, or -errno with the
 * failure set.
 */
int timing_open(const char *path, struct failure *failure);

/* Nothing was begun: `fd`, of timing_open(), is closed, and a file that was not there before is none again. */
void timing_give_up(int fd, const char *path);

/* Writes all of it to `fd`, of timing_open(), as one JSON object. Takes fd. 0, or -errno with the failure set. */
int timing_write(int fd, const char *path, struct failure *failure);

#endif
