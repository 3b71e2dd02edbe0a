/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of the host's cgroups: cgroup.c makes, the others know where and how much. The delete
 * of a damaged state asks where as well.
 */
#ifndef NACRE_RUNTIME_CGROUP_PARTS_H
#define NACRE_RUNTIME_CGROUP_PARTS_H

#include "cgroup.h"

#define CGROUP_TOP "/sys/fs/cgroup"

/* True when /sys/fs/cgroup is a cgroup v2 hierarchy. */
bool cgroup_is_v2(void);

/*
 * The cgroup (v2) of a process, "self" or a pid: an absolute path from the arena, or NULL where there is
 * none.
 */
const char *cgroup_of(const char *process, struct arena *arena);

/*
 * Where the leaf shall be: cgroupsPath below the top for root and an absolute path, else below the
 * topmost cgroup that was delegated to the caller. An absolute path from the arena, or NULL where
 * nothing is delegated.
 */
const char *cgroup_leaf_path(const struct container_config *config, struct arena *arena);

/* One limit of the leaf. */
struct cgroup_limit {
	const char *file, *value;
	const char *field; /* of config.json, when only the host can carry it out; else NULL */
};

struct cgroup_limits {
	struct cgroup_limit *v;
	size_t n, room;
};

/* All limits of the leaf of a container, in the order in which they are to be written. */
void cgroup_limits_of(struct cgroup_limits *limits, const struct container_config *config,
		      const struct vm_size *size, struct arena *arena);

/* What the leaf may take: guest memory and what the helpers need. Bytes. */
uint64_t cgroup_memory_max(const struct vm_size *size);

/* A limit as a property of a unit (systemd.resource-control(5)): a number, or with bytes an array of them. */
struct cgroup_property {
	const char *name;
	uint64_t number;
	const uint8_t *bytes; /* NULL: number */
	size_t n_bytes;
};

struct cgroup_properties {
	struct cgroup_property *v;
	size_t n, room;
};

/*
 * The limits that systemd writes by itself for a unit that is delegated, whenever it looks at it again: it
 * has to know them, or it takes them back.
 */
void cgroup_properties_of(struct cgroup_properties *properties, const struct cgroup_limits *limits,
			  struct arena *arena);

/* Takes out what systemd before 252 refuses: that a unit is idle. False if there is no such thing. */
bool cgroup_properties_drop_idle(struct cgroup_properties *properties);

/*
 * Tells systemd of new limits of the scope that is the leaf of a container; nothing where no systemd made
 * it. Before the files are written: systemd writes them, too, and rounds. 0, or -errno with the failure set.
 */
int cgroup_systemd_update(const char *leaf, const struct container_config *config,
			  const struct cgroup_limits *limits, struct arena *arena,
			  struct failure *failure);

/*
 * Has systemd make a scope for cgroupsPath "SLICE:PREFIX:NAME" (default: system.slice or user.slice,
 * "nacre" and the id). Fills in cgroup->leaf and the keeper. 0, or -errno with the failure set.
 */
int cgroup_systemd_create(struct cgroup *cgroup, const struct container_config *config,
			  const struct cgroup_limits *limits, struct arena *arena,
			  struct failure *failure);

/*
 * Splits "SLICE:PREFIX:NAME" (NULL: the defaults) into slice and unit name, from the arena. 0, or
 * -EINVAL with the failure set.
 */
int cgroup_systemd_names(const char *path, const char *id, bool rootless, const char **slice,
			 const char **unit, struct arena *arena, struct failure *failure);

#endif
