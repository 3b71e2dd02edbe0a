/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's leaf cgroup (v2) around VMM, file broker and monitors of one container: made, given its
 * limits before anything runs in it, found by other verbs through its path, removed with all in it.
 */
#ifndef NACRE_RUNTIME_CGROUP_H
#define NACRE_RUNTIME_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"
#include "failure.h"
#include "vm_size.h"

enum cgroup_manager { CGROUP_MANAGER_FS, CGROUP_MANAGER_SYSTEMD, CGROUP_MANAGER_NONE };

struct cgroup {
	const char *leaf; /* absolute path, from the arena; NULL: there is none */
	uint64_t id;	  /* the kernel's number of it: cgroup_id() */
	int fd;		  /* for CLONE_INTO_CGROUP; while it is open nobody else takes the leaf. -1: none */
	int keeper_fd;	  /* keeps systemd's scope until a companion is in it; -1: none */
	pid_t keeper_pid;
};

#define CGROUP_NONE { .fd = -1, .keeper_fd = -1 }

/*
 * Makes the leaf (interface "Cgroup") and writes its limits: the configuration's and, for memory, what
 * the VM takes besides (CGROUP_HELPERS_BYTES). `cgroup` begins as CGROUP_NONE; its leaf stays NULL
 * where there is no cgroup v2, or none that the caller may write, and no limit needs one. Returns 0,
 * or -errno with the failure set and nothing left.
 */
int cgroup_create(struct cgroup *cgroup, const struct container_config *config,
		  const struct vm_size *size, enum cgroup_manager manager, struct arena *arena,
		  struct failure *failure);

/*
 * Writes limits anew to the leaf of a container that runs: those that the configuration gives, which has
 * the container's id and cgroupsPath as well (systemd is told the limits of its scopes). Without a leaf
 * (NULL) those that it alone could carry out are refused.
 * Returns 0, or -errno with the failure set.
 */
int cgroup_update(const char *leaf, const struct container_config *config,
		  const struct vm_size *size, struct arena *arena, struct failure *failure);

/* The first companion runs in the leaf: it needs nothing else to keep it. */
void cgroup_settle(struct cgroup *cgroup);

/* Opens a leaf for CLONE_INTO_CGROUP. -1 when there is none. */
int cgroup_open(const char *leaf);

/*
 * The leaf's files by which the host is shown that memory ran out inside (monitor/witness.h); -1 for
 * one that is not there.
 */
struct cgroup_oom_fds {
	int max, current, group, swap_max;
};
#define CGROUP_OOM_NONE { .max = -1, .current = -1, .group = -1, .swap_max = -1 }

/* Opens them; none, when there is no leaf or no memory controller. */
void cgroup_oom_open(struct cgroup_oom_fds *fds, const char *leaf);
void cgroup_oom_close(struct cgroup_oom_fds *fds);

/*
 * The number by which the kernel knows the cgroup at this path (cgroups(7): its inode's), which no other
 * ever has: an empty leaf is taken over by whoever wants its name. 0 when there is none.
 */
uint64_t cgroup_id(const char *leaf);

/* Kills what is in the leaf, if its number is `id`. */
void cgroup_kill(const char *leaf, uint64_t id);

/* Kills what is in the leaf and removes it, if its number is `id`: else it is another container's. */
void cgroup_remove(const char *leaf, uint64_t id);

#endif
