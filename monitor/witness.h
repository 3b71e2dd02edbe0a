/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The witness: a process of the monitor's own, there for one thing. When the guest's kernel kills in the
 * container for want of memory, the host's kernel knows nothing of it; engines look into memory.events
 * of the cgroup that the container's process, our monitor, is in. So the witness has a child take what
 * the cgroup has left of its limit and be killed for it: memory.events then says oom and oom_kill, and
 * nothing of the VM is touched.
 *
 * For that moment alone memory.oom.group is off (only the child is to go), memory.swap.max is 0
 * (nothing of the VM shall be pushed out), the witness' oom_score_adj is 1000 and the VMM's not above 0 (the
 * child goes first); at all other times they are as they were. Where the VMM's cannot be lowered, and it has
 * so much that it would go first, nobody is killed.
 */
#ifndef NACRE_MONITOR_WITNESS_H
#define NACRE_MONITOR_WITNESS_H

#include "options.h"

/*
 * Forks it, where options name the cgroup's files, which are closed here. Before any thread and before
 * the monitor's namespaces. Returns our end of its socket, -1 where none is wanted, else -errno - 1.
 */
int witness_start(struct options *options);

#define WITNESS_ERROR(fd) ((fd) < -1 ? (fd) + 1 : 0)

/* Asks for one kill. It is answered by a byte, once it was done. */
void witness_ask(int fd);

#endif
