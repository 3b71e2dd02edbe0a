/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pid namespace of a monitor below a user namespace. Engines that copy files into a running container
 * (podman cp) enter the mount and the pid namespace of its process, and there the host's pid namespace is
 * closed to them: the monitor needs one of that user namespace. It cannot be the first process of it, which
 * no signal ends that it sends itself. So the first one is this: it only waits until the monitor has ended.
 */
#ifndef NACRE_RUNTIME_PID_HOLDER_H
#define NACRE_RUNTIME_PID_HOLDER_H

#include <sys/types.h>

#include "failure.h"

struct pid_holder {
	pid_t pid;    /* of the process, as we number it; 0: none */
	int pid_ns;   /* to start the monitor in (spawn.h) */
	int alive_fd; /* the monitor's to keep: its closing ends the process */
};

#define PID_HOLDER_NONE { .pid_ns = -1, .alive_fd = -1 }

/*
 * Starts it, in the cgroup (-1: the caller's). It holds no privilege, and one descriptor; of system calls
 * read() and exit() are left to it. 0, or -errno with the failure set; pid_holder_close() in either case.
 */
int pid_holder_start(struct pid_holder *holder, int cgroup_fd, struct failure *failure);

/* Closes the descriptors, once the monitor has its own. */
void pid_holder_close(struct pid_holder *holder);

#endif
