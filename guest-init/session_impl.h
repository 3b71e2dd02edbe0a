/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session from the inside: shared by session.c (the table), birth.c (how it begins), orders.c
 * (what the host says), clock.c (what it says of the time) and ending.c (how it ends).
 */
#ifndef NACRE_INIT_SESSION_IMPL_H
#define NACRE_INIT_SESSION_IMPL_H

#include "container.h"
#include "loop.h"
#include "plan_read.h"
#include "pump.h"
#include "resolver.h"
#include "session.h"
#include "wire.h"

/* In the order in which a session passes through them; any may be followed by a later one. */
enum session_state {
	SESSION_NEW,      /* hello read, no plan yet */
	SESSION_MAKING,   /* the process is on its way to the exec */
	SESSION_HELD,     /* CREATED was sent */
	SESSION_STARTING, /* the process was told to exec */
	SESSION_RUNNING,  /* STARTED was sent */
	SESSION_DRAINING, /* the process has ended: its output is written out */
	SESSION_SYNCING,  /* a helper syncs the file systems */
	SESSION_TOLD,     /* EXITED or FAILED was sent */
	SESSION_STATE_COUNT
};

struct session {
	bool used;
	bool surplus;     /* it is there to be told that there is no room */
	bool joined;      /* the process joined a container that another session made */
	bool start_asked; /* START came */
	bool failed;      /* FAILED was sent: no EXITED follows */
	bool grace_over;  /* the host had its time to close */
	enum session_state state;
	uint32_t number; /* of the container */
	uint8_t token[PROTO_TOKEN_LEN];

	struct watch control; /* fd -1: the host is gone */
	struct wire_in in;
	struct wire_out out;

	struct plan plan;
	uint8_t *plan_buf; /* heap, while SESSION_MAKING */

	struct container *container;
	struct watch setup;
	struct watch notify; /* notify.h; fd -1: none */
	int status_fd;  /* the reaper's word */
	pid_t child;    /* whose end is the session's: PID 1 of the container, or who joined; -1: none */
	pid_t process;  /* as seen from here; -1: not held yet, or ended */
	int process_fd; /* pidfd of it */
	pid_t sync_helper;
	struct msg_exited exited;

	struct resolver *resolver; /* NULL: the container needs none of ours */
	struct pump pumps[STREAM_COUNT];
	struct watch oom;       /* memory.events of the container that it made */
	uint64_t oom_kills;     /* as the host was told */
	struct timeout grace;
	struct timeout clock;     /* when to ask for the time */
	unsigned int clock_tries; /* since the last answer that was of use */
};

/* Sends one message; a connection that does not take it is dropped. */
void session_send(struct session *s, enum msg_type type, const void *body, size_t len);

/* Sends FAILED and gives the session's process up. */
void session_send_failed(struct session *s, const struct report *r);

/* Closes the control connection; what the session started is killed. */
void session_drop(struct session *s);

/*
 * Begins with the plan that was just read: makes its container, or joins one. What goes wrong is
 * told to the host. 0.
 */
int birth_begin(struct session *s, enum plan_kind kind);

/* Reads what the process said over the set-up channel until there is no more. */
void birth_read_setup(struct session *s);

/* The loop's callback for the set-up channel; `owner` is the session. */
void birth_setup_ready(void *owner, uint32_t events);

/* Lets the held process exec, when it is held and the host wants it. */
void birth_start_if_ready(struct session *s);

/* The loop's callback for session.clock: asks the host for the time. `owner` is the session. */
void clock_ask(void *owner);

/* The host told the time. 0 or -EPROTO. */
int clock_told(struct session *s);

/* Acts on the message that was read. 0 or -EPROTO. */
int orders_dispatch(struct session *s);

/* The process ended with this wait status: the beginning of the end. */
void ending_begin(struct session *s, int status);

/* Goes on with the end as far as possible now. The session may be gone afterwards. */
void ending_advance(struct session *s);

#endif
