/* SPDX-License-Identifier: Apache-2.0 */
/* Options that say what a process is, of run and exec. */
#ifndef NACRE_RUNTIME_PROCESS_OPTIONS_H
#define NACRE_RUNTIME_PROCESS_OPTIONS_H

#include "config.h"

/* Each takes the value of one option; 0, or -EINVAL with the failure set. */

/* --user UID[:GID], numbers; without a GID it is 0. */
int process_set_user(struct config_process *process, const char *user, struct arena *arena,
		     struct failure *failure);

/* --env NAME=VALUE; a later setting of the same name takes the place of an earlier one. */
int process_set_env(struct container_config *config, const char *setting, struct failure *failure);

/* An option that is a directory in the container: --workdir, --cwd. */
int process_set_cwd(struct config_process *process, const char *option, const char *cwd,
		    struct failure *failure);

#endif
