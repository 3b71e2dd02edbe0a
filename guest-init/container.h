/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers: what outlives a single session. Each is made by the session that brought its plan;
 * its first process is PID 1 of its namespaces, or the reaper is. Other sessions' processes join it
 * until that PID 1 ends, and all end with it.
 */
#ifndef NACRE_INIT_CONTAINER_H
#define NACRE_INIT_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan_read.h"
#include "report.h"

#define CONTAINERS_MAX 16

struct container {
	bool used;
	bool made; /* the first process was held: there is something to join */
	unsigned int users; /* sessions */
	uint32_t number;
	uint32_t namespaces; /* CLONE_NEW* that it has of its own */
	int cgroup;  /* its directory */
	pid_t init;  /* PID 1 of its pid namespace, as seen from here; -1: none alive */
	int init_fd; /* pidfd of it */
	bool reaper; /* that is ours, not the image's */
};

struct process_ends;

/* The container with this number, or NULL. */
struct container *container_find(uint32_t number);

/*
 * Makes container `number` by the plan and starts its first process, which then works its way to
 * the exec and reports over ends->setup_fd. NULL with *r filled in when it cannot be made.
 */
struct container *container_make(uint32_t number, const struct plan *p, struct process_ends *ends,
				 struct report *r);

/*
 * Starts a process inside the running container `number`: in its namespaces and its cgroup. It then
 * works its way to the exec as the first one did. *child is its pid as seen from here. NULL with *r
 * filled in when it cannot be made.
 */
struct container *container_join(uint32_t number, const struct plan *p, struct process_ends *ends,
				 pid_t *child, struct report *r);

/* What only init may set on the held process `pid`: limits, parameters. 0, or -errno with *r. */
int container_finish(const struct container *c, const struct plan *p, pid_t pid, struct report *r);

/* Kills every process of the container. */
void container_kill(const struct container *c);

/*
 * A session is done with it. The last one frees what is left of it; none of its processes may be
 * alive then.
 */
void container_leave(struct container *c);

#endif
