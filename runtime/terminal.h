/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's terminal: raw while the process runs, as it was afterwards. */
#ifndef NACRE_RUNTIME_TERMINAL_H
#define NACRE_RUNTIME_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "failure.h"

struct terminal {
	bool is_raw;
	struct termios saved;
};

/* True when standard input and output are both terminals. */
bool terminal_is_there(void);

/* True when standard input is our controlling terminal and another job has the foreground. */
bool terminal_is_in_background(void);

/* The size of the terminal on standard input; 0, 0 when there is none. */
void terminal_size(uint16_t *rows, uint16_t *cols);

/*
 * Makes standard input's terminal raw. In the background this stops nacre (SIGTTOU) until the shell
 * brings it to the foreground, as with any program. Returns 0 or -errno with the failure set.
 */
int terminal_set_raw(struct terminal *terminal, struct failure *failure);

/* After SIGCONT: the shell may have put its own settings in place. */
void terminal_set_raw_again(const struct terminal *terminal);

/* Puts the settings back, if terminal_set_raw() changed them. */
void terminal_restore(struct terminal *terminal);

#endif
