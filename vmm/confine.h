/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages that take everything from the VMM that it does not need. Called once each, in this
 * order, only from main(); any failure ends the process (setup_fail): a VM is never run less confined
 * than asked.
 */
#ifndef NACRE_VMM_CONFINE_H
#define NACRE_VMM_CONFINE_H

#include <stdbool.h>

#define CONFINE_KEEP_MAX 64u

/*
 * Stage 1, first of all. Closes every descriptor from `first_unused` on that is not in keep[].
 * Should leave: standard error and what argv names. Must be impossible after: use of anything that
 * the caller left open by mistake.
 */
void confine_descriptors(const int *keep, unsigned int n_keep);

/*
 * Stage 2, single-threaded, after the VM exists. Enters the user namespace, becomes its root, takes
 * mount, ipc, uts and cgroup namespaces of its own and an empty read-only root directory; enters the network
 * namespace, or with -1 takes one of its own.
 * Should leave: all that works on open descriptors. Must be impossible after: opening a path,
 * reaching a network, an abstract socket, System V IPC of the host.
 */
void confine_namespaces(int user_ns_fd, int net_ns_fd);

/*
 * Stage 3, before threads start. Drops every capability from every set, sets no_new_privs, turns
 * dumping and tracing off, limits resources. Should leave: what threads do on descriptors. Must be
 * impossible after: gaining a privilege by any call, being traced by the same user.
 */
void confine_privileges(void);

/*
 * Stage 4, before threads start. Landlock, where the kernel has it: no rule allows anything. Tries
 * to open "/" and records what came of it on `confined_fd` (include/confined.h; -1: nowhere), which
 * it closes; `is_copy` (of a template) is told with it. Should leave: what works on open descriptors.
 * Must be impossible after: opening even the empty root directory.
 */
void confine_files(int confined_fd, bool is_copy);

#endif
