/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of sd_notify(3) from the guest, for the socket of a service manager or an engine. What is
 * passed on is built anew from what is understood: states, numbers, one line of sanitized text.
 * Nothing that names a process, a descriptor or a time of the guest's, for on the host it would name
 * another.
 */
#ifndef NACRE_MONITOR_NOTIFY_H
#define NACRE_MONITOR_NOTIFY_H

#include <stddef.h>
#include <stdint.h>

/* Room for everything that can be passed on of one message. */
#define NOTIFY_TEXT_MAX 2048u

/*
 * Writes the lines that may be passed on, each with its newline, and a NUL. Returns the length; 0 when
 * there are none. `room` is at least NOTIFY_TEXT_MAX.
 */
size_t notify_filter(char *out, size_t room, const uint8_t *in, size_t len);

/*
 * Sends a filtered message to the connected socket. Where nobody reads it is lost: nothing waits for it.
 */
void notify_send(int fd, const char *text, size_t len);

#endif
