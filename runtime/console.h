/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pseudo-terminal for a container whose caller asked for it with --console-socket. The process'
 * own terminal is in the guest, with the line discipline; this one is raw and only passes bytes
 * and its size. The caller gets the master and resizes it; the monitor has the other end.
 */
#ifndef NACRE_RUNTIME_CONSOLE_H
#define NACRE_RUNTIME_CONSOLE_H

#include <stdint.h>

#include "failure.h"

struct console {
	int socket_fd; /* the caller's console socket, connected */
	int master_fd;
	int slave_fd; /* for the monitor */
	char name[64];
};

#define CONSOLE_NONE { .socket_fd = -1, .master_fd = -1, .slave_fd = -1 }

/*
 * Connects to the socket and makes a pseudo-terminal of that size (0, 0: none). Returns 0 or -errno
 * with the failure set; console_close() in either case.
 */
int console_open(struct console *console, const char *socket_path, uint16_t rows, uint16_t cols,
		 struct failure *failure);

/* Sends the master, its name as payload. Returns 0 or -errno with the failure set. */
int console_send(const struct console *console, struct failure *failure);

void console_close(struct console *console);

#endif
