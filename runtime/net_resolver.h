/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolvers that live inside a container's network namespace. Docker's listens at 127.0.0.11 there, on
 * the host; in the guest that address is the guest's own. So the guest listens there, and the monitor,
 * which is in the namespace, asks (include/proto.h "DNS").
 */
#ifndef NACRE_RUNTIME_NET_RESOLVER_H
#define NACRE_RUNTIME_NET_RESOLVER_H

#include <stdbool.h>

#include "config.h"

/* The file on the host that /etc/resolv.conf of the container is a bind mount of, or NULL. */
const char *net_resolv_conf_of(const struct container_config *config);

/*
 * Whether the file names such a resolver; NULL: no. Read when the container is started: engines write
 * it while they attach the network. Its text is not believed beyond that.
 */
bool net_resolver_is_inside(const char *resolv_conf);

#endif
