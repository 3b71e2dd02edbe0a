/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods, for now: the sandbox (pause) container is a monitor without a VM, which holds the pod's
 * namespaces on the host; the first member has the VM, with the pod's network, host name and sysctls.
 * A second member is refused by name.
 */
#ifndef NACRE_RUNTIME_POD_H
#define NACRE_RUNTIME_POD_H

#include "config.h"
#include "failure.h"
#include "state.h"

/*
 * Gives a member what its pod has: host name and sysctls, where its own configuration says nothing.
 * Nothing to do when the sandbox is not nacre's. 0, or -errno with the failure set.
 */
int pod_inherit(struct container_config *config, const char *root, struct failure *failure);

/*
 * Refuses a member when its pod has another one that has not stopped. Its own state exists by now, so
 * that of two at once neither misses the other. 0, or -EBUSY with the failure set.
 */
int pod_check_alone(const struct container_config *config, const struct state *state,
		    struct failure *failure);

#endif
