/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `nacre` and the nacre-monitor that it started say to each other, over one SOCK_SEQPACKET
 * pair; one packet is one struct monitor_packet, cut after its text.
 *
 *   monitor: ENTERED (it is in the container's namespaces)
 *   monitor: READY (the guest holds the process before exec) or FAILED
 *   nacre:   START (its text: what MSG_START is to carry), or DETACH and closes
 *   monitor: STARTED or FAILED
 *
 * After DETACH the monitor waits on its listening socket (--listener): whoever connects takes
 * nacre's place and says START; one that goes away without a word is followed by the next.
 *
 * FAILED before STARTED carries why (enum failed_code of proto.h: but for FAILED_HOOK the exit status that
 * `nacre` should end with), with MONITOR_STATUS_LOST where the VM has ended and the guest has not said
 * why, and one line for the user, already sanitized. After STARTED the monitor reports on its log descriptor instead.
 */
#ifndef NACRE_MONITORWIRE_H
#define NACRE_MONITORWIRE_H

#include <assert.h>

#include "bytes.h"

#define MONITOR_TEXT_MAX    3584u
#define MONITOR_STATUS_LOST 0x10000u

enum monitor_packet_type {
	MONITOR_READY = 1,
	MONITOR_START = 2,
	MONITOR_STARTED = 3,
	MONITOR_FAILED = 4,
	MONITOR_DETACH = 5,
	MONITOR_ENTERED = 6,
};

enum monitor_start_flags {
	MONITOR_START_RESOLVER = 1, /* the text has PLAN_RESOLVER: the guest may ask the resolver */
};

struct monitor_packet {
	struct le32 type;     /* enum monitor_packet_type */
	struct le32 status;   /* MONITOR_FAILED: above; MONITOR_START: enum monitor_start_flags */
	struct le32 text_len; /* MONITOR_FAILED, MONITOR_START; at most MONITOR_TEXT_MAX; no NUL */
	char text[MONITOR_TEXT_MAX];
};
static_assert(sizeof(struct monitor_packet) == 12 + MONITOR_TEXT_MAX, "wire size");

#endif
