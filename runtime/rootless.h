/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running as an ordinary user. The caller becomes root of a user namespace of its own, in which it may
 * mount and map ids, and everything else goes on as it does for root. The only program with a
 * privilege is newuidmap (with newgidmap), which checks /etc/subuid; there is no setuid helper of ours.
 */
#ifndef NACRE_RUNTIME_ROOTLESS_H
#define NACRE_RUNTIME_ROOTLESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "failure.h"

/*
 * Nothing for root. Otherwise enters a new user and mount namespace: id 0 is the caller, 1 and up are
 * its subordinate ids; without newuidmap or an entry in /etc/subuid the caller's id is all there is.
 * Single-threaded, before anything is opened whose owner matters. 0, or -errno with the failure set.
 */
int rootless_enter(struct failure *failure);

/* True where root is not the host's: after rootless_enter(), or in a namespace that others made. */
bool rootless_active(void);

/*
 * Nothing for root. Otherwise joins the user namespace in which the process was started: that of a
 * container which the same user made. 0, or -errno with the failure set.
 */
int rootless_join(pid_t pid, struct failure *failure);

#endif
