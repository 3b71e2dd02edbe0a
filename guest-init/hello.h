/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to the host from their first byte to their hello (include/proto.h MSG_HELLO): then
 * they belong to a session, or wait, bounded in number, for the session whose token they name.
 */
#ifndef NACRE_INIT_HELLO_H
#define NACRE_INIT_HELLO_H

#include <stdbool.h>
#include <stdint.h>

/* Takes a connected or connecting non-blocking stream descriptor. 0 or -errno, then not taken. */
int hello_adopt(int fd);

/* How many adopted connections have not said hello yet. */
unsigned int hello_idle(void);

/*
 * `gone` is called whenever an adopted connection stops being idle: with `broken` when it was
 * refused or closed before a hello.
 */
void hello_on_change(void (*gone)(bool broken));

/*
 * Takes a waiting stream of the session with this token: its descriptor, *stream says which it is;
 * -1 if none waits.
 */
int hello_claim(const uint8_t *token, uint16_t *stream);

#endif
