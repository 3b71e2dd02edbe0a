/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the guest about a container, and orders to it, over a query connection
 * (include/proto.h). What comes back was written by a guest: lengths and types are checked here,
 * numbers by whoever asked, and text goes through guest_text.h.
 */
#ifndef NACRE_RUNTIME_QUERY_H
#define NACRE_RUNTIME_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "proto.h"
#include "state.h"

/* How long a guest may take to answer; a busy one has its nacre-init all the same. */
#define QUERY_WAIT_MS 10000
/* To write its files out. */
#define QUERY_SYNC_MS 60000

struct query {
	int fd;
	const char *id;
	uint32_t container;
	uint16_t type;	 /* of the last message received, enum msg_type */
	size_t body_len;
	uint8_t body[PROTO_SMALL_MAX];
};

/* Connects to the VM of a container that runs. 0, or -errno with the failure set. */
int query_open(struct query *query, const struct state *state, struct failure *failure);

/* Sends one message. 0, or -errno with the failure set. */
int query_send(struct query *query, enum msg_type type, const void *body, size_t len,
	       struct failure *failure);

/*
 * Receives one message, waiting for it up to `ms` milliseconds (-1: for ever). 0; -EIO with the
 * failure set to the guest's words when it is FAILED; -ECONNRESET when the guest closed, -ETIMEDOUT
 * or -EPROTO, also with the failure set.
 */
int query_receive(struct query *query, int ms, struct failure *failure);

/* Sends an order and waits for DONE. 0, or -errno with the failure set. */
int query_order(struct query *query, enum msg_type type, const void *body, size_t len, int ms,
		struct failure *failure);

/* One of the figures that the guest counts of the container. 0, or -errno with the failure set. */
int query_figure(struct query *query, enum figure figure, uint64_t *value, struct failure *failure);

/* Sets the guest's clock by the host's. 0, or -errno with the failure set. */
int query_set_clock(struct query *query, struct failure *failure);

void query_close(struct query *query);

#endif
