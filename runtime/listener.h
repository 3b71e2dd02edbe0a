/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets in a container's state directory: the VMM's, SOCK_STREAM, and the monitor's,
 * SOCK_SEQPACKET. Their paths may be longer than sun_path: they are reached by descriptor.
 */
#ifndef NACRE_RUNTIME_LISTENER_H
#define NACRE_RUNTIME_LISTENER_H

#include <errno.h>

#include "failure.h"

/* Makes and binds `name` in a directory. A descriptor, or -errno with the failure set. */
int listener_create(int dir_fd, const char *name, int type, struct failure *failure);

/*
 * Connects to it; succeeds before anyone accepts, as long as few wait for that: then it waits, half a minute at most,
 * as a VMM that was taken over may accept nobody. A descriptor or -errno: -ETIMEDOUT.
 */
int listener_connect(int dir_fd, const char *name, int type);
int listener_connect_within(int dir_fd, const char *name, int type, int ms);

/* What a connection to the VMM of container `id` that came to `err` is to the caller: err, with the failure set. */
static inline int listener_refused(struct failure *failure, int err, const char *id)
{
	return failure_set(failure, err, err == -ETIMEDOUT ? "%s: nacre-vmm does not answer" :
							     "%s: container not running", id);
}

#endif
