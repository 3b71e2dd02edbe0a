/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process may do: label, user, groups, capabilities, no_new_privs, seccomp. Runs in the child, in
 * the container's user namespace. A drop that fails ends the process with a report: none is
 * optional.
 */
#ifndef NACRE_INIT_CREDS_H
#define NACRE_INIT_CREDS_H

#include "plan_read.h"

/* From init's root to root of the container's user namespace. */
void creds_become_root(void);

/*
 * Sets SELinux's label for the next execve() through the directory `attributes` (/proc/self/attr), if this
 * guest has a policy; without one there is nothing that a label would mean. 0 or -errno.
 */
int creds_label_next(const char *attributes, const char *label);

/* The same from the plan and init's own /proc, before anything of the container's is entered. */
void creds_label(const struct plan *p);

/*
 * The plan's user, groups and capabilities, exactly; and no_new_privs. One thing remains until
 * exec, which computes the capabilities anew: without no_new_privs, CAP_SYS_ADMIN stays permitted
 * and effective if there are filters to load, for seccomp(2) asks for it.
 */
void creds_apply(const struct plan *p);

/* Loads the plan's seccomp filters. Nothing but execve() should follow. */
void creds_seccomp(const struct plan *p);

/* For the reaper: no capability but the one to signal a process of another user. */
void creds_keep_kill_only(void);

#endif
