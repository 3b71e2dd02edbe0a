/* SPDX-License-Identifier: Apache-2.0 */
/* Block volumes of a container (PLAN_BLOCK in include/plan.h): the VM's virtio-blk devices as nodes. */
#ifndef NACRE_INIT_BLOCKS_H
#define NACRE_INIT_BLOCKS_H

#include "plan_read.h"
#include "report.h"

/* Init's side: gives the nodes to the user of the plan's process. 0, or -errno with *r set. */
int blocks_give(const struct plan *p, struct report *r);

/* In the container's first process: binds each node at its path below `root`. Ends it on failure. */
void blocks_make(int root, const struct plan *p);

#endif
