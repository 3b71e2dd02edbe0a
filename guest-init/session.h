/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: one per control connection, each for one process (include/proto.h). The table is
 * bounded; what the host sends is checked to the letter, and a session whose host is gone or
 * misbehaves loses its process.
 */
#ifndef NACRE_INIT_SESSION_H
#define NACRE_INIT_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto.h"

#define SESSIONS_MAX 128
/* And so many more at once that are told that there is no room. */
#define SESSIONS_REFUSED 8

/* Begins the session of a control connection whose hello was read. Takes fd. */
void session_open(int fd, uint32_t number, const struct msg_hello *hello);

/*
 * Gives a stream connection to the session that has the hello's token. Takes fd, unless there is no
 * such session: false.
 */
bool session_stream(int fd, uint32_t number, const struct msg_hello *hello);

/* A child of init has ended with this wait status. Children that are no session's are nothing. */
void session_child_ended(pid_t pid, int status);

/* True once there was a session and none is left: the machine has done its work. */
bool session_all_over(void);

#endif
