/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to standard error. See log.h. */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_LEN 512

static void write_line(const char *format, va_list ap)
{
	static const char prefix[] = "nacre-vmm: ";
	char line[LINE_MAX_LEN];
	int n = snprintf(line, sizeof(line), "%s", prefix);

	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, ap);
	if (n > LINE_MAX_LEN - 2)
		n = LINE_MAX_LEN - 2;
	line[n++] = '\n';
	/* Nobody to tell when standard error is gone. */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

void log_line(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_line(format, ap);
	va_end(ap);
}

void log_guest(const char *format, ...)
{
	static atomic_uint n_lines;
	va_list ap;

	if (atomic_fetch_add(&n_lines, 1) >= LOG_GUEST_MAX) {
		atomic_store(&n_lines, LOG_GUEST_MAX);
		return;
	}
	va_start(ap, format);
	write_line(format, ap);
	va_end(ap);
}
