/* SPDX-License-Identifier: Apache-2.0 */
/* Questions, their identifiers, and datagrams; see resolver.h. Connections are in resolver_tcp.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "resolver_impl.h"

uint16_t resolver_id_of(const uint8_t *message)
{
	return (uint16_t)(message[0] << 8 | message[1]);
}

static void set_id(uint8_t *message, uint16_t id)
{
	message[0] = (uint8_t)(id >> 8);
	message[1] = (uint8_t)id;
}

struct question *resolver_note(struct resolver *r, uint8_t *message,
			       enum resolve_transport transport)
{
	uint16_t id = r->next_id++;
	struct question *q = &r->questions[id % QUESTIONS_MAX];

	*q = (struct question){
		.open = true,
		.transport = transport,
		.id = id,
		.asker_id = resolver_id_of(message),
	};
	set_id(message, id);
	return q;
}

struct question *resolver_find(struct resolver *r, uint8_t *message,
			       enum resolve_transport transport)
{
	uint16_t id = resolver_id_of(message);
	struct question *q = &r->questions[id % QUESTIONS_MAX];

	if (!q->open || q->id != id || q->transport != transport)
		return NULL;
	q->open = false;
	set_id(message, q->asker_id);
	return q;
}

static void datagram_ready(void *owner, uint32_t events)
{
	struct resolver *r = owner;
	uint8_t message[PROTO_RESOLVE_MAX];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(r->datagrams.fd, message, sizeof(message), MSG_TRUNC,
			     (struct sockaddr *)&from, &from_len);
	struct question *q;

	(void)events;
	if (n < DNS_HEADER || n > (ssize_t)sizeof(message) || from_len != sizeof(from))
		return;
	q = resolver_note(r, message, RESOLVE_DATAGRAM);
	q->from = from;
	if (!r->ask(r->owner, RESOLVE_DATAGRAM, message, (size_t)n))
		q->open = false;
}

static void datagram_answer(struct resolver *r, const uint8_t *bytes, size_t len)
{
	uint8_t message[PROTO_RESOLVE_MAX];
	struct question *q;

	if (len < DNS_HEADER || len > sizeof(message))
		return;
	memcpy(message, bytes, len);
	q = resolver_find(r, message, RESOLVE_DATAGRAM);
	if (q && sendto(r->datagrams.fd, message, len, 0, (struct sockaddr *)&q->from,
			sizeof(q->from)) < 0)
		return; /* nobody is there any more, or it is lost */
}

void resolver_answer(struct resolver *r, enum resolve_transport transport, const void *bytes,
		     size_t len)
{
	if (transport == RESOLVE_DATAGRAM)
		datagram_answer(r, bytes, len);
	else
		resolver_tcp_answer(r, bytes, len);
}

struct resolver *resolver_open(const int fds[RESOLVE_TRANSPORT_COUNT], resolver_ask_fn *ask,
			       void *owner)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->ask = ask;
	r->owner = owner;
	r->datagrams = (struct watch){ .fd = fds[RESOLVE_DATAGRAM], .ready = datagram_ready,
				       .owner = r };
	resolver_tcp_open(r, fds[RESOLVE_STREAM]);
	if (loop_watch(&r->datagrams, EPOLLIN) == 0 && loop_watch(&r->listener, EPOLLIN) == 0)
		return r;
	loop_forget(&r->datagrams);
	loop_forget(&r->listener);
	free(r);
	return NULL;
}

void resolver_close(struct resolver *r)
{
	if (!r)
		return;
	loop_close(&r->datagrams);
	resolver_tcp_close(r);
	free(r);
}
