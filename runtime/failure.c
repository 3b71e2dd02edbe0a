/* SPDX-License-Identifier: Apache-2.0 */
/* The line that tells what went wrong; see failure.h. */
#include <stdarg.h>
#include <stdio.h>

#include "failure.h"

int failure_set(struct failure *failure, int err, const char *format, ...)
{
	va_list args;

	if (failure->text[0])
		return err;
	va_start(args, format);
	vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	return err;
}
