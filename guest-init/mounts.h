/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's mount namespace. All of this runs in the child that becomes the container's
 * process, as root of its user namespace; a failure ends it with a report (setup_fail). Until
 * mounts_pivot() the process sees init's /proc, /sys and /dev at their places and the container's
 * tree only through the descriptor of its root.
 */
#ifndef NACRE_INIT_MOUNTS_H
#define NACRE_INIT_MOUNTS_H

#include "plan_read.h"

/* The container's root, attached at MACHINE_PIVOT. Its O_PATH descriptor. */
int mounts_root(uint32_t number);

/* The plan's mounts, in their order. */
void mounts_make(int root, const struct plan *p, uint32_t number);

/* Masked and read-only paths, propagation, the root read-only: when nothing is made any more. */
void mounts_restrict(int root, const struct plan *p);

/* Enters the root and lets go of everything that was init's. */
void mounts_pivot(int root, const struct plan *p);

/* Binds what `source` (a path of init's, "" for the descriptor `dir` itself) is on `target`.
 * -errno. */
int mounts_bind(int dir, const char *source, int target);

#endif
