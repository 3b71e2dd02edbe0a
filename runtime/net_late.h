/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network that was attached between create and start: containerd's CNI and Docker do it, and hooks
 * may, of `run`, too. The VM has spare devices for it (net_join.h); at start the interfaces are joined and the
 * guest told of them, and of a resolver that lives in the namespace.
 */
#ifndef NACRE_RUNTIME_NET_LATE_H
#define NACRE_RUNTIME_NET_LATE_H

#include "arena.h"
#include "failure.h"
#include "monitorwire.h"
#include "state.h"

/*
 * Looks at the network namespace of the container, which is that of its monitor, and joins what has
 * come; and at its resolv.conf (net_resolver.h). Where interfaces were joined at create, what has changed since is
 * a warning. Fills what `start` is to carry, which is nothing when there is nothing to tell. Returns 0, or -errno
 * with the failure set.
 */
int net_late_attach(const struct state *state, struct monitor_packet *start, struct arena *arena,
		    struct failure *failure);

/* The same for a container to which nothing can have come; `ns_fd` is its network namespace, or -1. */
int net_late_tell(const struct state *state, int ns_fd, struct monitor_packet *start,
		  struct failure *failure);

#endif
