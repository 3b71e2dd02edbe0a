/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a network namespace has: interfaces, addresses, routes, rules, neighbours. Nothing is changed.
 */
#ifndef NACRE_RUNTIME_NET_READ_H
#define NACRE_RUNTIME_NET_READ_H

#include "net.h"

/*
 * Fills *net from the namespace. Returns 0, or -errno with a failure that names the interface or route
 * that a VM cannot have.
 */
int net_read(struct net *net, int ns_fd, struct arena *arena, struct failure *failure);

/* Whether the name is one of NET_TAP_NAME: of a VM's tap, or of a spare one. */
bool net_is_our_tap(const char *name);

/* Routes, rules and neighbours: a part of net_read(). */
struct net_reading {
	struct net *net;
	struct mnl_socket *socket;
	struct arena *arena;
	struct failure *failure;
	int err;	  /* of a callback: a -errno with the failure set */
	bool with_gateway; /* the pass over routes: those of a link come first */
};

int net_read_routes(struct net_reading *reading);

/* The interface with this index, or NULL. */
struct net_interface *net_interface_of(struct net *net, uint32_t index);

#endif
