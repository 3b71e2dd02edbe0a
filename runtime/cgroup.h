/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's leaf cgroup around VMM, file broker and monitor. As far as it goes now: one directory
 * of the cgroup v2 hierarchy at /sys/fs/cgroup, to find and to end the processes by; a host without
 * it runs containers outside. Limits on the host come with the full handling of cgroups.
 */
#ifndef NACRE_RUNTIME_CGROUP_H
#define NACRE_RUNTIME_CGROUP_H

#include "arena.h"

/*
 * Makes /sys/fs/cgroup/PATH, or nacre/ID when `path` is NULL. Returns the directory's path, from
 * the arena, or NULL where cgroup v2 is not there or not ours to write.
 */
const char *cgroup_create(const char *path, const char *id, struct arena *arena);

/* Opens a leaf for CLONE_INTO_CGROUP. -1 when there is none. */
int cgroup_open(const char *leaf);

/* Kills what is in the leaf. */
void cgroup_kill(const char *leaf);

/* Kills what is in the leaf and removes it. */
void cgroup_remove(const char *leaf);

#endif
