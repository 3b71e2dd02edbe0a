/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages in which nacre-monitor gives up what it was started with. Called once each, in this
 * order, from main() alone. Each returns 0 or -errno; any failure is fatal.
 */
#ifndef NACRE_MONITOR_CONFINE_H
#define NACRE_MONITOR_CONFINE_H

#include <stdint.h>

/*
 * 1. A session of its own, every signal blocked. Should: signals reach us only when sent to our
 * pid. Mustn't: a key of the caller's terminal end us behind nacre's back.
 */
int confine_session(void);

/*
 * 2. The container's namespaces; -1 for one that is not given. Should: /proc/PID/root and ns/net
 * are the container's, as engines expect. Mustn't, from here on: open any path, since the
 * container's files are behind every one. The ipc, uts and cgroup namespaces are new ones: the
 * container's are in the guest. The pid namespace stays: the first process of a new one could not
 * end by the signal that ended the container's process.
 */
int confine_enter(int net_ns_fd, int mount_ns_fd);

/*
 * 3. No capability in any set, none to be gained, no core dump, no ptrace by our own uid, no
 * descriptor beyond those of argv. Should: read, write and signal ourselves. Mustn't: anything that
 * takes a privilege.
 */
int confine_privileges(unsigned int highest_fd);

/*
 * 4. Landlock, where the kernel has it, before any thread starts: no rule allows anything. Tries to
 * open "/" and records what came of it on `confined_fd` (include/confined.h; -1: nowhere), which it
 * closes. Should: read, write. Mustn't: open, make or remove a file by any path.
 */
int confine_files(int confined_fd);

#endif
