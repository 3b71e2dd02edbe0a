/* SPDX-License-Identifier: Apache-2.0 */
/* What a child that serves a query connection works on: query.c and query_orders.c. */
#ifndef NACRE_INIT_QUERY_IMPL_H
#define NACRE_INIT_QUERY_IMPL_H

#include "report.h"
#include "wire.h"

struct query {
	int fd;		 /* the connection, blocking */
	uint32_t number; /* of the container */
	int cgroup;	 /* its directory; -1: there is no such container */
	pid_t init;	 /* PID 1 of the container, as seen from here */
	pid_t reaper;	 /* PID 1 of the container if that is ours, as seen from here; else 0 */
	struct wire_in in;
};

/* Sends one message. False when the host is gone. */
bool query_answer(const struct query *q, enum msg_type type, const void *body, size_t len);

/* The same with MSG_FAILED. */
bool query_fail(const struct query *q, const struct report *r);

/* Acts on the message that was read and answers it. False: the connection is to end. */
bool query_obey(struct query *q);

#endif
