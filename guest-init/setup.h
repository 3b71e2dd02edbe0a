/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nacre-init and the child that becomes a container's process say to each other until its
 * exec, over a SOCK_SEQPACKET pair. Both ends are this program; the child is not yet the image's.
 *
 *   init:  GO      the child's ids are mapped
 *   child: HELD    everything is made, with the pty's master if there is one; or FAILED
 *   init:  START
 *   child: (closed by execve) or FAILED
 */
#ifndef NACRE_INIT_SETUP_H
#define NACRE_INIT_SETUP_H

#include <sys/types.h>

#include "report.h"

enum setup_type { SETUP_GO = 1, SETUP_HELD = 2, SETUP_START = 3, SETUP_FAILED = 4 };

/* The child's descriptors above its standard ones; from SETUP_FD on they are gone with the exec. */
enum setup_fds {
	SETUP_PRESERVED_FD = 3, /* as many as the plan has PLAN_FD */
	SETUP_FD = SETUP_PRESERVED_FD + PROTO_PRESERVED_MAX,
	SETUP_STATUS_FD,
	SETUP_JOIN_FD = SETUP_STATUS_FD, /* who joins has no reaper */
	SETUP_FDS_END
};

struct setup_message {
	enum setup_type type;
	struct report report; /* SETUP_FAILED */
};

/* Init's side: makes the pair; ends[0] is init's, non-blocking. 0 or -errno. */
int setup_pair(int ends[2]);

/* Init's side: says GO or START. 0 or -errno. */
int setup_tell(int fd, enum setup_type type);

/*
 * Init's side: receives one message; *pid is the sender as init sees it, *passed_fd the descriptor
 * that came along or -1. 1: received. 0: nothing now. -EPIPE: closed. -errno.
 */
int setup_receive(int fd, struct setup_message *m, pid_t *pid, int *passed_fd);

/* Child's side: waits for a message of this type; ends the process when init is gone. */
void setup_wait(enum setup_type type);

/* Child's side: says HELD; passes `fd` unless it is -1. */
void setup_held(int fd);

/* Child's side: tells why it cannot go on, and ends the process. */
_Noreturn void setup_fail_code(enum failed_code code, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define setup_fail(err, ...) setup_fail_code(FAILED_NACRE, err, __VA_ARGS__)

#endif
