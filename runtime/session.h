/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From started companions to the end of the container's process: lets it start, passes signals on,
 * keeps the terminal, waits. A verb goes as far as its goal: create until the process is held, run
 * to its end.
 */
#ifndef NACRE_RUNTIME_SESSION_H
#define NACRE_RUNTIME_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "failure.h"
#include "launch.h"
#include "terminal.h"

#define SESSION_STATUS_NACRE 125

/* In this order. */
enum session_phase {
	SESSION_BOOTING,
	SESSION_CREATED, /* the guest holds the process just before execve() */
	SESSION_STARTING,
	SESSION_RUNNING,
	SESSION_OVER
};

struct session {
	struct launch *launch;
	struct failure *failure; /* when set at the end, to be reported with the status */
	enum session_phase phase;
	enum session_phase goal; /* of session_reach() */
	int status; /* that nacre ends with, in SESSION_OVER */
	int signal_fd;
	bool with_terminal;
	bool lost_vm; /* before SESSION_CREATED: the VM has ended, and the guest did not say why */
	struct terminal terminal;
	uint64_t early_signals; /* came before the process ran; bit signo - 1 */
};

/*
 * `signal_fd` is that of signals_open(). `with_terminal`: standard input's terminal is to be raw
 * while the process runs.
 */
void session_begin(struct session *session, struct launch *launch, int signal_fd,
		   bool with_terminal, struct failure *failure);

/*
 * Goes on to SESSION_CREATED, SESSION_RUNNING or SESSION_OVER. Returns true when the session is
 * there; false when it is over before: then session_end(), as after SESSION_OVER.
 */
bool session_reach(struct session *session, enum session_phase goal);

/* Ends the companions, and adds to the failure why they ended. Returns the status. */
int session_end(struct session *session);

#endif
