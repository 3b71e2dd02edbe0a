/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network that was attached between create and start: containerd's CNI and Docker do it, and hooks
 * may. The VM has a spare device for it (net_join.h); at start the interface is joined and the guest
 * told of it, and of a resolver that lives in the namespace.
 */
#ifndef NACRE_RUNTIME_NET_LATE_H
#define NACRE_RUNTIME_NET_LATE_H

#include <sys/types.h>

#include "arena.h"
#include "failure.h"

/*
 * Looks at the network namespace of the container, which is that of its monitor, and joins what has
 * come; and at its resolv.conf (net_resolver.h). Fills `plan` (PROTO_START_MAX bytes) for MSG_START.
 * Returns its length, 0 when there is nothing to tell, or -errno with the failure set.
 */
ssize_t net_late_attach(pid_t monitor, const char *resolv_conf, void *plan, struct arena *arena,
			struct failure *failure);

/* The same for a container to which nothing can have come. */
ssize_t net_late_tell(const char *resolv_conf, void *plan, struct failure *failure);

#endif
