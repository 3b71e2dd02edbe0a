/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One standard stream: bytes between a connection to the host (`sock`) and this side's end of a
 * pipe or pty (`local`), without blocking, with back-pressure: nothing is read while the last bytes
 * wait to be written.
 *
 *   PUMP_IN   sock -> pipe. End of the host's stream closes the pipe; a process that closed its
 *             stdin closes the connection.
 *   PUMP_OUT  pipe -> sock. End of the pipe is the end of the connection, after its last byte; a
 *             host that closed closes the pipe, so that the process gets SIGPIPE.
 *   PUMP_TTY  both ways over a pty master. EIO means that no slave is open: the end if the process
 *             is gone, else a pause (programs close and reopen their terminal).
 *   PUMP_BOTH both ways over a socket pair. Either side's half-close is passed on; the connection ends
 *             when both have ended or the process has closed its end.
 *
 * The bytes are the container's and the host's; nothing here looks at them.
 */
#ifndef NACRE_INIT_PUMP_H
#define NACRE_INIT_PUMP_H

#include "loop.h"

#include <stddef.h>

enum pump_kind { PUMP_NONE, PUMP_IN, PUMP_OUT, PUMP_TTY, PUMP_BOTH };

/* One direction. */
struct flow {
	bool open; /* the source may have more */
	uint8_t *buf;
	size_t off, len; /* bytes read and not yet written */
	size_t limit;    /* how much may still be read */
};

struct pump {
	enum pump_kind kind;
	struct watch sock, local;
	struct flow in, out;
	bool process_gone, finished;
	bool others;   /* process_gone, but others may hold the pipe */
	bool pausing;  /* no slave of the pty is open just now */
	bool no_rdhup; /* the host's half-close of an output stream was seen */
	struct timeout pause;
	void (*done)(void *owner);
	void *owner;
};

/* Makes *p an empty pump. `done` is called once, when the pump finished by itself. */
void pump_init(struct pump *p, void (*done)(void *owner), void *owner);

/*
 * Takes this side's descriptor (non-blocking) and begins. 0 or -errno, then it stays the caller's.
 */
int pump_set_local(struct pump *p, enum pump_kind kind, int fd);

/*
 * Takes the connection (non-blocking); it may come before or after the other. 0, or -errno
 * (-EEXIST: there is or was one), then it stays the caller's.
 */
int pump_set_sock(struct pump *p, int fd);

/*
 * The process is gone: input ends at once, output when all is written. `others`: processes that it
 * left behind may still hold the other end; then output ends with what the pipe has in it now.
 */
void pump_process_gone(struct pump *p, bool others);

/* Gives up what is not written yet and closes both ends. Not followed by `done`. */
void pump_close(struct pump *p);

/* True when nothing is left to do, or there never was. */
static inline bool pump_finished(const struct pump *p)
{
	return p->kind == PUMP_NONE || p->finished;
}

#endif
