/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks of the kind startContainer (OCI runtime-spec 1.2 config.md "startContainer Hooks"): programs
 * of the image that run in the container before its process does.
 */
#ifndef NACRE_INIT_START_HOOKS_H
#define NACRE_INIT_START_HOOKS_H

#include "plan_read.h"

/*
 * Runs the plan's hooks in their order, as children of the calling process: with its user, its
 * capabilities, its limits and the plan's seccomp filters; on standard input the container's state.
 * One that has no environment of its own gets process_env, which ends with NULL. A hook that fails or takes longer than its timeout ends the process with a report.
 */
void start_hooks_run(const struct plan *p, char **process_env);

#endif
