/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one line that tells the user what went wrong. A function that can name the field, the file or
 * the option fills it in and returns -errno; its callers pass the -errno on and add nothing.
 */
#ifndef NACRE_RUNTIME_FAILURE_H
#define NACRE_RUNTIME_FAILURE_H

#define FAILURE_TEXT_MAX 2304

struct failure {
	char text[FAILURE_TEXT_MAX];
};

/*
 * Replaces in `text` what could drive a terminal, forge a line or turn the order in which it is
 * read: ends of lines, controls (those of Unicode, too), and what is not UTF-8 (RFC 3629 4).
 */
void line_clean(char *text);

/*
 * Sets the text, cut to its room and cleaned to one line, and returns `err` (a -errno). A text that is
 * set already stays: the first is nearest to the cause. An empty one becomes that of `err`.
 */
int failure_set(struct failure *failure, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
