/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a companion writes to its standard error, line by line: shown with --debug, and the last
 * line kept for the message of a failed run. Bounded, whatever comes.
 */
#ifndef NACRE_RUNTIME_LINES_H
#define NACRE_RUNTIME_LINES_H

#include <stddef.h>

#define LINES_TEXT_MAX 2048

struct lines {
	int fd; /* read end of a pipe, non-blocking; -1 when it has ended */
	size_t len;
	char partial[LINES_TEXT_MAX];
	char last[LINES_TEXT_MAX];
};

/* Makes the pipe. Returns the write end, which the caller closes, or -errno. */
int lines_open(struct lines *lines);

/* Takes what is there, a pipe's worth at most; closes the descriptor at end of file. */
void lines_read(struct lines *lines);

#endif
