/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver that lives in the container's network namespace, as Docker's does: the guest's
 * questions are passed to it and its answers to the guest (include/proto.h "DNS"). Nothing here looks
 * into them. The sockets are made before confinement and reach that one address: seccomp allows
 * connect(2) only with the two addresses below, which are in memory that nothing can write.
 *
 * Two sockets: one for datagrams; one for a TCP connection, which is made when bytes come for it and
 * unmade, so that the next can be, when it ends. No call waits.
 */
#ifndef NACRE_MONITOR_RESOLVER_H
#define NACRE_MONITOR_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto.h"

struct resolver {
	int fd[RESOLVE_TRANSPORT_COUNT];    /* -1: not made */
	bool connected[RESOLVE_TRANSPORT_COUNT];
	bool ended; /* the TCP connection; the guest has not been told */
	uint8_t waiting[2 * PROTO_RESOLVE_MAX]; /* bytes for the TCP connection */
	size_t n_waiting;
};

/* As a socket address has it. */
struct resolver_address {
	uint16_t family;
	uint8_t port[2], address[4], zero[8];
};

/* Where connect() may lead: to the resolver, and nowhere, which ends a connection. */
struct resolver_addresses {
	struct resolver_address resolver, nowhere;
};
extern const struct resolver_addresses resolver_addresses;

/* Makes the sockets, in the namespace, before confinement. Returns 0 or -errno. */
int resolver_prepare(struct resolver *resolver);

/* Passes bytes of the guest on. What cannot be is lost, as datagrams may be; a connection ends. */
void resolver_ask(struct resolver *resolver, enum resolve_transport transport, const void *bytes,
		  size_t len);

/* The descriptor to wait for, -1 for none, and with which events. */
int resolver_poll(const struct resolver *resolver, enum resolve_transport transport, bool may_take,
		  short *events);

/* Sends what waits for the TCP connection. */
void resolver_flush(struct resolver *resolver);

/*
 * What has come, at most PROTO_RESOLVE_MAX bytes of it. A longer datagram is cut and says so (RFC 1035
 * §4.1.1 TC). 0: the TCP connection has ended. -EAGAIN: nothing.
 */
ssize_t resolver_take(struct resolver *resolver, enum resolve_transport transport, void *bytes);

#endif
