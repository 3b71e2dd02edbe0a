/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of a container's layers: struct msg_layers of include/proto.h. */
#ifndef NACRE_INIT_LAYERS_H
#define NACRE_INIT_LAYERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto.h"

/*
 * Reads what /proc and the cgroup say of the container's first process: `init`, PID 1 as seen from
 * here, or with our reaper there its first child. 0, or -errno when the process is gone.
 */
int layers_read(pid_t init, bool reaper, int cgroup, struct msg_layers *m);

#endif
