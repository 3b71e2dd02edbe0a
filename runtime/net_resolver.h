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

/* Where the container's /etc/resolv.conf is on the host. */
struct net_resolv_conf {
	const char *root; /* a directory that its links do not lead out of; NULL: it is a mount's source */
	const char *path; /* NULL: nowhere */
};

/*
 * Finds it: the source of a bind mount of it, or in that of a bind mount of /etc, or in the root file system. In
 * any other mount, which the guest makes, there is none.
 */
struct net_resolv_conf net_resolv_conf_of(const struct container_config *config, struct arena *arena);

/* A name server at an address that is the guest's own in the guest. */
#define NET_RESOLVERS_MAX 3u /* resolv.conf(5): MAXNS */

struct net_resolvers {
	bool is_inside; /* one is Docker's */
	unsigned int n; /* others */
	uint8_t other[NET_RESOLVERS_MAX][4];
};

/*
 * Reads which name servers on loopback addresses the file names. Done when the container is started: engines write
 * it while they attach the network. What a root file system has is an image's: nothing but a regular file is
 * opened, its beginning read, and its text not believed beyond that.
 */
void net_resolvers_read(struct net_resolvers *resolvers, const struct net_resolv_conf *file);

/*
 * In the namespace: keeps of the others those where somebody listens there, on the host's side of it, whom nobody
 * asks for the guest. `ctx` is the struct net_resolvers; 0.
 */
int net_resolvers_listening(void *ctx);

#endif
