/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver in the container's network namespace; see resolver.h. */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "resolver.h"

/* RFC 1035 §4.1.1: where the flag TC is in a message. */
#define TC_BYTE 2
#define TC_FLAG 0x02u

static_assert(sizeof(struct resolver_address) == sizeof(struct sockaddr_in), "an address");

const struct resolver_addresses resolver_addresses = {
	.resolver = { .family = AF_INET, .port = { 0, PROTO_RESOLVER_PORT },
		      .address = PROTO_RESOLVER_ADDRESS },
	.nowhere = { .family = AF_UNSPEC },
};

static int connect_to(int fd, const struct resolver_address *address)
{
	return connect(fd, (const struct sockaddr *)(const void *)address, sizeof(*address));
}

int resolver_prepare(struct resolver *resolver)
{
	static const int types[] = {
		[RESOLVE_DATAGRAM] = SOCK_DGRAM,
		[RESOLVE_STREAM] = SOCK_STREAM,
	};

	for (int i = 0; i < RESOLVE_TRANSPORT_COUNT; i++) {
		resolver->fd[i] = socket(AF_INET, types[i] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (resolver->fd[i] < 0)
			return -errno;
	}
	return 0;
}

/* The next question makes a new connection. */
static void stream_end(struct resolver *resolver)
{
	connect_to(resolver->fd[RESOLVE_STREAM], &resolver_addresses.nowhere);
	resolver->connected[RESOLVE_STREAM] = false;
	resolver->n_waiting = 0;
	resolver->ended = true;
}

void resolver_flush(struct resolver *resolver)
{
	ssize_t n = 0;

	while (resolver->n_waiting && n >= 0) {
		n = send(resolver->fd[RESOLVE_STREAM], resolver->waiting, resolver->n_waiting,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			resolver->n_waiting -= (size_t)n;
			memmove(resolver->waiting, resolver->waiting + n, resolver->n_waiting);
		}
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		stream_end(resolver);
}

void resolver_ask(struct resolver *resolver, enum resolve_transport transport, const void *bytes,
		  size_t len)
{
	int fd = resolver->fd[transport];

	/* a namespace whose loopback was down may have it up by now */
	if (!resolver->connected[transport])
		resolver->connected[transport] =
			connect_to(fd, &resolver_addresses.resolver) == 0 || errno == EINPROGRESS;
	if (transport == RESOLVE_DATAGRAM) {
		if (send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			return; /* lost; who asks will ask again */
	} else if (!resolver->connected[transport] ||
		   len > sizeof(resolver->waiting) - resolver->n_waiting) {
		stream_end(resolver);
	} else {
		memcpy(resolver->waiting + resolver->n_waiting, bytes, len);
		resolver->n_waiting += len;
		resolver_flush(resolver);
	}
}

int resolver_poll(const struct resolver *resolver, enum resolve_transport transport, bool may_take,
		  short *events)
{
	bool to_send = transport == RESOLVE_STREAM && resolver->n_waiting;

	*events = (short)((may_take ? POLLIN : 0) | (to_send ? POLLOUT : 0));
	/* poll() tells of errors unasked: only who can take them waits */
	return resolver->connected[transport] && *events ? resolver->fd[transport] : -1;
}

ssize_t resolver_take(struct resolver *resolver, enum resolve_transport transport, void *bytes)
{
	bool is_stream = transport == RESOLVE_STREAM;
	ssize_t n;

	if (is_stream && resolver->ended) {
		resolver->ended = false;
		return 0;
	}
	if (!resolver->connected[transport])
		return -EAGAIN;
	n = recv(resolver->fd[transport], bytes, PROTO_RESOLVE_MAX,
		 MSG_DONTWAIT | (is_stream ? 0 : MSG_TRUNC));
	if (is_stream && (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))) {
		stream_end(resolver);
		resolver->ended = false;
		return 0;
	}
	if (n <= 0)
		return -EAGAIN; /* nobody listens, or nobody has answered */
	if (n > (ssize_t)PROTO_RESOLVE_MAX) {
		((uint8_t *)bytes)[TC_BYTE] |= TC_FLAG;
		n = (ssize_t)PROTO_RESOLVE_MAX;
	}
	return n;
}
