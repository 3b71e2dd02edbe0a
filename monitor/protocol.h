/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of one control connection (include/proto.h): what to send, in which order to
 * expect what. Everything that comes in was written by a guest and is hostile: lengths, types,
 * order and values are checked against one table before anything is done; the first mistake ends
 * the connection. No call blocks; the socket is made non-blocking (it is ours alone).
 */
#ifndef NACRE_MONITOR_PROTOCOL_H
#define NACRE_MONITOR_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "notify.h"
#include "proto.h"
#include "resolver.h"

enum protocol_state {
	PROTOCOL_HELLO,	  /* hello and plan sent; HELLO_ACK comes next */
	PROTOCOL_ACKED,	  /* CREATED comes next */
	PROTOCOL_CREATED, /* START has not been sent */
	PROTOCOL_STARTING, /* STARTED comes next */
	PROTOCOL_RUNNING,
	PROTOCOL_ENDED,	  /* EXITED or FAILED came: nothing may follow */
	PROTOCOL_STATE_COUNT,
	PROTOCOL_SAME = PROTOCOL_STATE_COUNT /* of a message that changes nothing */
};

enum protocol_event {
	PROTOCOL_NOTHING, /* wait for the socket */
	PROTOCOL_EVENT_CREATED,
	PROTOCOL_EVENT_STARTED,
	PROTOCOL_EVENT_FAILED, /* code and text are set */
	PROTOCOL_EVENT_OOM,    /* the guest's kernel killed for want of memory, it says */
	PROTOCOL_EVENT_EXITED, /* exited is set */
	PROTOCOL_EVENT_NOTIFY, /* notify_text is set */
	PROTOCOL_EVENT_BROKEN, /* the guest broke the protocol: `broken` says how */
	PROTOCOL_EVENT_CLOSED, /* the connection is gone */
	PROTOCOL_EVENT_MORE,   /* much has been handled: call again once others had their turn */
};

struct protocol {
	int fd;
	uint32_t container;
	enum protocol_state state;

	/* to the guest: one buffer with hello and plan, then small messages one at a time */
	uint8_t *out;
	size_t out_len, out_sent, out_room;
	bool start_wanted;
	uint8_t network[PROTO_START_MAX]; /* what START carries */
	size_t network_len;
	uint64_t signals_wanted; /* bit signo - 1 */
	bool winsize_wanted;
	bool clock_hint_wanted, clock_wanted;
	uint64_t clock_stamp; /* of the guest's last question */
	struct winsize winsize;
	struct resolver *resolver; /* that the guest may ask; NULL: none. protocol_begin() clears it */

	uint8_t in[PROTO_SMALL_MAX];
	size_t in_len;

	uint16_t failed_code; /* enum failed_code */
	char failed_text[PROTO_TEXT_MAX + 1]; /* sanitized */
	char notify_text[NOTIFY_TEXT_MAX]; /* filtered; may be empty */
	size_t notify_len;
	bool exited_by_signal;
	uint8_t exited_value;
	uint32_t exited_flags;
	const char *broken;
};

/* What a session begins with that nobody may guess. */
struct protocol_random {
	uint8_t token[PROTO_TOKEN_LEN]; /* of its streams */
	uint8_t seed[PROTO_RESEED_LEN]; /* for the guest's generator: a clone's is that of its template */
};

/*
 * Begins a session on a connected socket: HELLO, seed and time (with MSG_PLAN: the guest makes nothing before
 * them) and the plan of plan_fd, in a message of `type` (MSG_PLAN or MSG_EXEC), wait to be sent. Returns 0 or
 * -errno.
 */
int protocol_begin(struct protocol *protocol, int fd, uint32_t container, enum msg_type type,
		   int plan_fd, const struct protocol_random *random);

/* Sends the hello of a stream connection, which nothing but bytes follows. 0 or -errno. */
int protocol_hello_stream(int fd, uint32_t container, enum msg_stream stream,
			  const uint8_t token[PROTO_TOKEN_LEN]);

/* The events that poll() shall wait for. */
short protocol_poll_events(const struct protocol *protocol);

/* Sends what waits and the socket takes. Errors show when reading. */
void protocol_send(struct protocol *protocol);

/* Reads at most one message. Call it until it returns PROTOCOL_NOTHING. */
enum protocol_event protocol_receive(struct protocol *protocol);

/* Ask for a message; equal signals that still wait become one. Ignored in states without them. */
void protocol_want_start(struct protocol *protocol, const void *network, size_t len);
void protocol_want_signal(struct protocol *protocol, int signo);
void protocol_want_winsize(struct protocol *protocol, const struct winsize *winsize);
void protocol_want_clock_hint(struct protocol *protocol);

/* Whether an answer of the resolver could be sent now. */
bool protocol_takes_answer(const struct protocol *protocol);

/* Sends one, of at most PROTO_RESOLVE_MAX bytes. Only when protocol_takes_answer(). */
void protocol_send_answer(struct protocol *protocol, enum resolve_transport transport,
			  const void *bytes, size_t len);

void protocol_end(struct protocol *protocol);

#endif
