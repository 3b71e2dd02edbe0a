/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stages in which nacre-fsd confines itself, called in this order from main() and from nowhere
 * else. Each returns 0 or -errno; any failure is fatal.
 */
#ifndef NACRE_FSD_STAGES_H
#define NACRE_FSD_STAGES_H

#include "args.h"

/*
 * 1. Opens what is needed of the host's procfs: *proc_fd is /proc/self/fd, through which an O_PATH
 * descriptor is opened for real, as a mount of its own, so that ".." leads nowhere. Should leave
 * possible: finding our own descriptors. *proc_self_fd, from which ".." does lead to the
 * host's files, is for stage 2; stage 6 closes it. Looks for devtmpfs among the mounts here, and in stage 2
 * again, to refuse it later.
 */
int stage_open_proc(struct export_table *t, int *proc_fd, int *proc_self_fd);

/*
 * 2. Enters the container's mount namespace, if there is one to enter. Afterwards mounts that the
 * host makes or removes do not reach us, and no path of the host does. The working directory is
 * proc_fd, so that a bare number names a descriptor.
 */
int stage_enter_mounts(struct export_table *t, int mount_ns_fd, int proc_self_fd, int proc_fd);

/*
 * 3. Enters the user namespace and becomes PLAN_ID_BASE in it: the container's root. Afterwards no
 * host id but the container's exists for us, and no capability counts outside of it.
 */
int stage_enter_user(int user_ns_fd);

/* 4. Keeps the seven file capabilities, in that namespace only. No execve() can add any. */
int stage_drop_capabilities(void);

/*
 * 5. Limits: no core dump and no ptrace by others of our uid, as many descriptors as the tables can
 * use; *max_fds is their number. A write past RLIMIT_FSIZE is an error, not a signal.
 */
int stage_set_limits(uint32_t *max_fds);

/* 6. Closes every descriptor but the listed ones and standard error. Sorts `keep`. */
int stage_close_others(int *keep, size_t n);

/*
 * 7. Landlock, where the kernel has it: opening, making and removing below the exports only, never
 * block devices, nothing for writing below a read-only one. Tries to open what must be refused and
 * records it on a->confined_fd, which it closes. Threads that exist already are not bound.
 */
int stage_restrict_files(const struct args *a);

#endif
