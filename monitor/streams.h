/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams, between descriptors of the caller's and connections to the VMM: the monitor's own
 * descriptors 0, 1, 2, and those that were preserved for the process.
 *
 * One thread for each direction, with blocking calls: these descriptors share their open file
 * descriptions with the caller, so O_NONBLOCK is not ours to set, and a read() that poll() promised
 * may block all the same when somebody else reads first. A thread that is stuck holds up nothing
 * but its own stream, and that is what back-pressure is. The bytes are the guest's or the caller's;
 * nobody looks at them.
 */
#ifndef NACRE_MONITOR_STREAMS_H
#define NACRE_MONITOR_STREAMS_H

#include <stdbool.h>

struct streams {
	int in_fd;	/* connection that takes our standard input */
	int out_fd;	/* connection whose bytes go to our standard output */
	int err_fd;	/* to our standard error; -1 with a terminal */
	bool is_tty;	/* in_fd and out_fd are one connection */
	int null_fd;	/* /dev/null, opened on the host */
	bool err_has_lines; /* descriptor 2 is also where the monitor's own lines go */
	/* descriptors of the caller's, each with its connection; what they are open for says whither */
	const int *preserved_fds, *preserved_links;
	int n_preserved;
};

/*
 * Makes the threads, which wait for streams_start(); every signal must be blocked. Before the
 * seccomp filter, which leaves no call to make a thread with. Returns a descriptor that becomes
 * readable when all output has been written or has nowhere to go, or -errno.
 */
int streams_prepare(const struct streams *streams);

/* Lets them go. */
void streams_start(void);

#endif
