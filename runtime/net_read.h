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

/* A route that a kernel made with an address (RTPROT_KERNEL). */
struct net_prefix {
	uint8_t family, len;
	uint32_t index;
	uint8_t bytes[16];
};

struct net_prefixes {
	struct net_prefix *v;
	size_t n, room;
};

ARENA_LIST_ADD(net_add_prefix, struct net_prefixes, struct net_prefix)

/* Routes, rules and neighbours: a part of net_read(). */
struct net_reading {
	struct net *net;
	struct mnl_socket *socket;
	struct arena *arena;
	struct failure *failure;
	int err;	  /* of a callback: a -errno with the failure set */
	bool with_gateway; /* the pass over routes: those of a link come first */
	struct net_prefixes prefixes; /* routes that came with addresses */
};

int net_read_routes(struct net_reading *reading);

/* Keeps a route of RTPROT_KERNEL in mind. */
void net_note_prefix(struct net_reading *reading, const struct nlmsghdr *head);

/*
 * Has the guest's kernel make no route with an address whose route the namespace has no more: an engine
 * took it away, as CNI's ptp does, and has one of its own for the prefix, or none.
 */
void net_mark_addresses(struct net_reading *reading);

/* The interface with this index, or NULL. */
struct net_interface *net_interface_of(struct net *net, uint32_t index);

#endif
