/* SPDX-License-Identifier: Apache-2.0 */
/* A resolver from the inside: resolver.c has questions and datagrams, resolver_tcp.c connections. */
#ifndef NACRE_INIT_RESOLVER_IMPL_H
#define NACRE_INIT_RESOLVER_IMPL_H

#include <netinet/in.h>

#include "loop.h"
#include "resolver.h"

/* RFC 1035 §4.1.1 */
#define DNS_HEADER 12
/* RFC 1035 §4.2.2: before each message of a connection stand two bytes with its length. */
#define DNS_PREFIX 2u
#define DNS_LONGEST 65535u

/*
 * Programs look up hundreds of names at once. A power of 2, so that an identifier's place stays the same
 * when identifiers begin again.
 */
#define QUESTIONS_MAX 1024u
#define CLIENTS_MAX   8u

struct question {
	bool open; /* no answer yet */
	enum resolve_transport transport;
	uint16_t id, asker_id; /* ours, and that of who asks */
	struct sockaddr_in from; /* of a datagram */
	uint64_t client;	 /* of a connection: its number */
};

/* A connection of one of the container's processes. */
struct client {
	struct watch w;
	struct resolver *resolver;
	uint64_t number; /* by age; none is given twice */
	unsigned int n_open; /* questions without an answer */
	bool asks_no_more;   /* it has closed its half of the connection, and waits for answers */
	size_t got;
	uint8_t in[PROTO_RESOLVE_MAX]; /* a question, prefix included */
};

struct resolver {
	resolver_ask_fn *ask;
	void *owner;
	struct watch datagrams, listener;
	struct question questions[QUESTIONS_MAX];
	uint16_t next_id;
	struct client clients[CLIENTS_MAX];
	uint64_t n_clients; /* ever */
	size_t answer_len;
	uint8_t answer[DNS_PREFIX + DNS_LONGEST]; /* what came of it, prefix included */
};

uint16_t resolver_id_of(const uint8_t *message);

/* Notes a question and writes an identifier of ours into it. */
struct question *resolver_note(struct resolver *r, uint8_t *message,
			       enum resolve_transport transport);

/*
 * The question that a message answers, which is open no more; its own identifier is written into the
 * message. NULL: none of ours.
 */
struct question *resolver_find(struct resolver *r, uint8_t *message,
			       enum resolve_transport transport);

void resolver_tcp_open(struct resolver *r, int listening_fd);
void resolver_tcp_answer(struct resolver *r, const uint8_t *bytes, size_t len);
void resolver_tcp_close(struct resolver *r);

#endif
