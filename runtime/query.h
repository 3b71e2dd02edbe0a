/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks nacre-init about a container that runs (include/proto.h ROLE_QUERY). The answers are the
 * guest's word: numbers within fixed structures, and text that is shown only sanitized.
 */
#ifndef NACRE_RUNTIME_QUERY_H
#define NACRE_RUNTIME_QUERY_H

#include <stddef.h>

#include "failure.h"
#include "proto.h"
#include "state.h"

/* How long a guest may take to answer. */
#define QUERY_TIMEOUT_MS 5000

/* Connects and exchanges hellos. A descriptor (the caller closes it), or -errno with the failure set. */
int query_open(const struct state *state, struct failure *failure);

/* Sends one message. 0, or -errno with the failure set. */
int query_send(int fd, const struct state *state, enum msg_type type, const void *body, size_t len,
	       struct failure *failure);

/*
 * Receives the answer: its type, and its body into `body`. Returns the body's length, or -errno with the
 * failure set: also when the guest answers FAILED, with its words.
 */
int query_receive(int fd, const struct state *state, enum msg_type *type, void *body, size_t room,
		  struct failure *failure);

#endif
