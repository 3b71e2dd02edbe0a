/* SPDX-License-Identifier: Apache-2.0 */
/* Why a session failed: what goes into MSG_FAILED. */
#ifndef NACRE_INIT_REPORT_H
#define NACRE_INIT_REPORT_H

#include <stdarg.h>

#include "proto.h"

struct report {
	enum failed_code code;
	char text[PROTO_TEXT_MAX + 1];
};

/*
 * Fills *r in: the formatted text, and ": " and the words for `err` (an errno value) unless it is
 * 0. Returns -err, or -EIO for 0, so that it can be the last statement of what failed.
 */
int report_set(struct report *r, enum failed_code code, int err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same with a va_list. */
int report_vset(struct report *r, enum failed_code code, int err, const char *format, va_list ap)
	__attribute__((format(printf, 4, 0)));

#endif
