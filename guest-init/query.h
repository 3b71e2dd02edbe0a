/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Query connections (include/proto.h ROLE_QUERY): questions about a container and orders to it.
 * Each connection is served by a child of init, with blocking calls, so that nothing that is asked
 * holds up the machine: /proc and file systems may take their time.
 */
#ifndef NACRE_INIT_QUERY_H
#define NACRE_INIT_QUERY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto.h"

/* Connections at once; one more is closed. */
#define QUERIES_MAX 32u

/* Serves the connection whose hello was read, about container `number`. Takes fd. */
void query_open(int fd, uint32_t number, const struct msg_hello *hello);

/* A child of init has ended. True if it served a query. */
bool query_child_ended(pid_t pid);

#endif
