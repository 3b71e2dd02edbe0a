/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device nodes and the links of /dev. No node can be made in a user namespace: init's own are bound
 * into the container. The default ones belong to container root. What is not init's side
 * runs in the child, before the pivot; failures end it with a report.
 */
#ifndef NACRE_INIT_DEVICES_H
#define NACRE_INIT_DEVICES_H

#include "plan_read.h"
#include "report.h"

/* Gives init's own default devices to container root. PID 1, once /dev is mounted. */
void devices_own(void);

/* False when a volume is the container's /dev: then it is taken as it is, as runc does. */
bool devices_wanted(const struct plan *p);

/*
 * Init's side, before the child is made: nodes for the devices of the plan, with the owner and the
 * mode that it says. 0, or -errno with *r filled in, above all when this machine has no such device.
 */
int devices_prepare(uint32_t number, const struct plan *p, struct report *r);

/* Init's side: removes the nodes of container `number`. */
void devices_forget(uint32_t number);

/* The default devices, those of the plan, and the links. */
void devices_make(int root, const struct plan *p, uint32_t number);

/* Binds init's node `source` at `path` of the container. Ends the process on failure. */
void devices_bind(int root, const char *source, const char *path);

#endif
