/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitor says to nacre and to the user (include/monitorwire.h). */
#ifndef NACRE_MONITOR_NACRE_LINK_H
#define NACRE_MONITOR_NACRE_LINK_H

#include "monitorwire.h"

enum link_event { LINK_NOTHING, LINK_START, LINK_DETACH, LINK_CLOSED };

/* Sends a packet without text. A nacre that is gone is noticed when reading. */
void link_say(int sync_fd, enum monitor_packet_type type);

/* Sends MONITOR_FAILED with the status that nacre should end with (or MONITOR_STATUS_LOST), and one line. */
void link_failed(int sync_fd, int status, const char *text);

/* Reads one packet, MONITOR_START or MONITOR_DETACH; anything else counts as closed. */
enum link_event link_receive(int sync_fd, struct monitor_packet *packet);

/* Writes one line to the log descriptor, or with -1 to standard error as nacre's. */
void link_log(int log_fd, const char *text);

#endif
