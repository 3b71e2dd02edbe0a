/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device nodes and the links of /dev. No node can be made in a user namespace: init's own are bound
 * into the container. They keep init's owner (which the container sees as nobody) and mode. Runs in
 * the child, before the pivot; failures end it with a report.
 */
#ifndef NACRE_INIT_DEVICES_H
#define NACRE_INIT_DEVICES_H

#include "plan_read.h"

/* False when a volume is the container's /dev: then it is taken as it is, as runc does. */
bool devices_wanted(const struct plan *p);

/* The default devices, those of the plan, and the links. */
void devices_make(int root, const struct plan *p);

/* Binds init's node `source` at `path` of the container. Ends the process on failure. */
void devices_bind(int root, const char *source, const char *path);

#endif
