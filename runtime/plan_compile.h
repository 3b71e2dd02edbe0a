/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles a configuration into a plan (include/plan.h). */
#ifndef NACRE_RUNTIME_PLAN_COMPILE_H
#define NACRE_RUNTIME_PLAN_COMPILE_H

#include "config.h"
#include "plan_buffer.h"

/*
 * Appends the whole plan. Bind mounts are numbered in the order of config->mounts: the volumes of
 * nacre-fsd must be given in the same order. Returns 0, or -errno with the failure set; the caller
 * frees the plan in either case.
 */
int plan_compile(const struct container_config *config, struct plan_buffer *plan,
		 struct failure *failure);

/*
 * Appends the plan of a process that joins the container (include/plan.h): config->process and the
 * container's seccomp profile. Returns as plan_compile().
 */
int plan_compile_process(const struct container_config *config, struct plan_buffer *plan,
			 struct failure *failure);

/* Appends what the limits are in the guest's cgroup: records PLAN_CGROUP. */
void plan_add_resources(const struct config_resources *resources, struct plan_buffer *plan);

#endif
