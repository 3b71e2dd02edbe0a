/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks that run in the guest, as records of the plan. */
#ifndef NACRE_RUNTIME_HOOKS_PLAN_H
#define NACRE_RUNTIME_HOOKS_PLAN_H

#include "config.h"
#include "plan_buffer.h"

/*
 * Appends the startContainer hooks and the state that they are told (OCI runtime-spec 1.2 runtime.md
 * "State"). The guest adds "pid": the process' pid in the container.
 */
void hooks_add_to_plan(const struct container_config *config, struct plan_buffer *plan);

#endif
