/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for the user: to standard error with "nacre: " before them, or to the file of --log, as
 * text or as one JSON object a line. Control characters in them, those of Unicode too, and what is not
 * UTF-8 are replaced, so that a file name cannot drive a terminal or forge a line.
 *
 * Engines read the log file only when a verb failed, and podman decodes the whole file as one
 * object: with JSON in a file, warnings are kept back until report_settle() and dropped when an
 * error comes.
 */
#ifndef NACRE_RUNTIME_REPORT_H
#define NACRE_RUNTIME_REPORT_H

#include <stdbool.h>

enum report_format { REPORT_TEXT, REPORT_JSON };

/*
 * Chooses where lines go. `file` may be NULL (standard error); it is opened for appending, and made
 * with mode 0600. Errors are written to standard error in any case. Returns 0 or -errno.
 */
int report_open(const char *file, enum report_format format, bool debug);

void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Shown with --debug only. */
void report_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The verb will succeed, or has ended: writes the warnings that were kept back, unless there was an error,
 * and keeps none from now on.
 */
void report_settle(void);

/* No lines from now on, but with --debug: of what nacre does by itself, in a child. */
void report_silence(void);

/* True with --debug. */
bool report_is_debug(void);

#endif
