/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NOTIFY_SOCKET of sd_notify(3). The guest cannot use a socket of the host: nacre-init makes one in the
 * container, and the monitor passes on what comes through it (monitor/notify.h).
 *
 * The host's socket is that of the container's own environment, where a bind mount shows it in the
 * container (so podman and conmon do it), or else that of nacre's environment.
 */
#ifndef NACRE_RUNTIME_NOTIFY_H
#define NACRE_RUNTIME_NOTIFY_H

#include "config.h"
#include "exports.h"
#include "failure.h"

/* Where a container has the socket whose caller gave no place of it. */
#define NOTIFY_GUEST_PATH "/dev/notify"

/*
 * Finds and connects to the host's socket: *fd, or -1 when there is none. config->notify_path and the
 * process' environment say where it is in the container. After exports_open(), before the plan. A
 * socket of nacre's environment that takes no connection is a warning. 0, or -errno with the failure
 * set.
 */
int notify_prepare(struct container_config *config, const struct exports *exports, int *fd,
		   struct failure *failure);

#endif
