/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS for a container whose resolver lives in its network namespace on the host. What the container's
 * processes ask at the resolver's address is passed to the monitor, which is in that namespace, and
 * its answers back (include/proto.h "DNS").
 *
 * All questions share one socket and one connection there, so each gets an identifier of ours (RFC
 * 1035 §4.1.1 ID) in the place of its own, which the answer gets back. Nothing else of a message is
 * looked at. Everything is bounded, and nothing waits: the oldest question, or the oldest connection,
 * makes room for the newest; who is not answered asks again.
 */
#ifndef NACRE_INIT_RESOLVER_H
#define NACRE_INIT_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include "proto.h"

struct resolver;

/* Sends what is asked to the host; false when it cannot take it now. */
typedef bool resolver_ask_fn(void *owner, enum resolve_transport transport, const void *bytes,
			     size_t len);

/*
 * Serves the sockets, a datagram's and a listening one, which are bound to the resolver's address and
 * do not block. Takes them. NULL: no memory, or the loop is broken.
 */
struct resolver *resolver_open(const int fds[RESOLVE_TRANSPORT_COUNT], resolver_ask_fn *ask,
			       void *owner);

/* What came from the host: bytes of any length and content. */
void resolver_answer(struct resolver *r, enum resolve_transport transport, const void *bytes,
		     size_t len);

/* Ends; NULL does nothing. */
void resolver_close(struct resolver *r);

#endif
