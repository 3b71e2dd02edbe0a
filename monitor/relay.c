/* SPDX-License-Identifier: Apache-2.0 */
/* Between the resolver and the guest; see relay.h. */
#include "relay.h"

#include <errno.h>

void relay_poll(struct pollfd fds[RESOLVE_TRANSPORT_COUNT], const struct resolver *resolver,
		const struct protocol *protocol)
{
	bool may_take = protocol_takes_answer(protocol);

	for (int i = 0; i < RESOLVE_TRANSPORT_COUNT; i++) {
		fds[i] = (struct pollfd){ .fd = -1 };
		if (resolver)
			fds[i].fd = resolver_poll(resolver, (enum resolve_transport)i, may_take,
						  &fds[i].events);
	}
}

void relay_answers(struct resolver *resolver, struct protocol *protocol)
{
	static uint8_t bytes[PROTO_RESOLVE_MAX];

	resolver_flush(resolver);
	for (int i = 0; i < RESOLVE_TRANSPORT_COUNT; i++) {
		ssize_t n = -EAGAIN;

		if (protocol_takes_answer(protocol))
			n = resolver_take(resolver, (enum resolve_transport)i, bytes);
		if (n >= 0)
			protocol_send_answer(protocol, (enum resolve_transport)i, bytes, (size_t)n);
	}
}
