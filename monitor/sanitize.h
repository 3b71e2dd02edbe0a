/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way for text that a guest wrote to reach a user's terminal or log: hearsay. What comes
 * out is one line of printable ASCII; escape sequences are taken out whole, other bytes become '?'.
 */
#ifndef NACRE_MONITOR_SANITIZE_H
#define NACRE_MONITOR_SANITIZE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes at most room - 1 characters and a NUL. White space, line ends included, becomes one space,
 * and none is left at either end. Returns the length written. room is at least 1.
 */
size_t sanitize_text(char *out, size_t room, const uint8_t *in, size_t len);

/*
 * The last lines of a kernel's log, at most `lines` of them that are not empty, each through
 * sanitize_text(), with " | " between them. When a line says that the kernel panicked, they begin
 * there. Returns the length written.
 */
size_t sanitize_log_tail(char *out, size_t room, const uint8_t *in, size_t len,
			 unsigned int lines);

#endif
