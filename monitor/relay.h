/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the resolver of the container's network namespace says goes to the guest, as fast as the guest
 * takes it: until then it lies in the resolver's socket. In the session's loop, confined.
 */
#ifndef NACRE_MONITOR_RELAY_H
#define NACRE_MONITOR_RELAY_H

#include <poll.h>

#include "protocol.h"

/* Fills what poll() shall wait for; `resolver` may be NULL. */
void relay_poll(struct pollfd fds[RESOLVE_TRANSPORT_COUNT], const struct resolver *resolver,
		const struct protocol *protocol);

/* Passes on what has come, and to the resolver what waits for it. */
void relay_answers(struct resolver *resolver, struct protocol *protocol);

#endif
