/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of failures; see report.h. */
#include "report.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * The words for an errno value as Go programs print them, whose callers match on them: "no such
 * file or directory", not "No such file or directory"; but "I/O error" stays.
 */
static void append_error(char *text, size_t size, int err)
{
	size_t used = strlen(text), at = used + 2;

	snprintf(text + used, size - used, ": %s", strerror(err));
	if (at + 1 < size && islower((unsigned char)text[at + 1]))
		text[at] = (char)tolower((unsigned char)text[at]);
}

int report_vset(struct report *r, enum failed_code code, int err, const char *format, va_list ap)
{
	r->code = code;
	vsnprintf(r->text, sizeof(r->text), format, ap);
	if (err == 0)
		return -EIO;
	append_error(r->text, sizeof(r->text), err);
	return -err;
}

int report_set(struct report *r, enum failed_code code, int err, const char *format, ...)
{
	va_list ap;
	int ret;

	va_start(ap, format);
	ret = report_vset(r, code, err, format, ap);
	va_end(ap);
	return ret;
}
