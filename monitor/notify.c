/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness messages; see notify.h. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "notify.h"
#include "proto.h"
#include "sanitize.h"

/* As many digits as a number of 64 bits has. */
#define DIGITS_MAX   20

enum value { VALUE_ONE, VALUE_NUMBER, VALUE_TEXT };

/*
 * sd_notify(3) "Well-known assignments" without MAINPID, FDSTORE, FDNAME, FDPOLL, BARRIER, BUSERROR,
 * NOTIFYACCESS, and without WATCHDOG_USEC, which would change what the host decided.
 */
static const struct {
	const char *name;
	enum value value;
} known[] = {
	{ "READY=", VALUE_ONE },	{ "RELOADING=", VALUE_ONE },
	{ "STOPPING=", VALUE_ONE },	{ "WATCHDOG=", VALUE_ONE },
	{ "STATUS=", VALUE_TEXT },	{ "ERRNO=", VALUE_NUMBER },
	{ "EXTEND_TIMEOUT_USEC=", VALUE_NUMBER },
};

static_assert(sizeof("MONOTONIC_USEC=\n") + DIGITS_MAX + PROTO_NOTIFY_MAX + 2 < NOTIFY_TEXT_MAX,
	      "a message and the host's time fit");

static bool is_number(const uint8_t *value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return false;
	}
	return len > 0 && len <= DIGITS_MAX;
}

/* Appends one line, if it is one that may pass. Returns the new length. */
static size_t add_line(char *out, size_t at, size_t room, const uint8_t *line, size_t len)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t name_len = strlen(known[i].name), value_len = len - name_len;
		const uint8_t *value = line + name_len;
		char text[PROTO_NOTIFY_MAX + 1];
		int n;

		if (len < name_len || memcmp(line, known[i].name, name_len) != 0)
			continue;
		if (known[i].value == VALUE_ONE && !(value_len == 1 && value[0] == '1'))
			return at;
		if (known[i].value == VALUE_NUMBER && !is_number(value, value_len))
			return at;
		sanitize_text(text, sizeof(text), value, value_len);
		n = snprintf(out + at, room - at, "%s%s\n", known[i].name, text);
		return n > 0 && (size_t)n < room - at ? at + (size_t)n : at;
	}
	return at;
}

/* "RELOADING=1 ... MUST be accompanied by MONOTONIC_USEC=": of this clock, not the guest's. */
static size_t add_time(char *out, size_t at, size_t room)
{
	struct timespec now;
	int n;

	clock_gettime(CLOCK_MONOTONIC, &now);
	n = snprintf(out + at, room - at, "MONOTONIC_USEC=%llu\n",
		     (unsigned long long)now.tv_sec * 1000000u +
			     (unsigned long long)now.tv_nsec / 1000u);
	return n > 0 && (size_t)n < room - at ? at + (size_t)n : at;
}

size_t notify_filter(char *out, size_t room, const uint8_t *in, size_t len)
{
	size_t at = 0;

	out[0] = 0;
	while (len > 0) {
		const uint8_t *end = memchr(in, '\n', len);
		size_t line = end ? (size_t)(end - in) : len;

		at = add_line(out, at, room, in, line);
		in += line;
		len -= line;
		if (len > 0) { /* the newline */
			in++;
			len--;
		}
	}
	if (strstr(out, "RELOADING=1\n"))
		at = add_time(out, at, room);
	out[at] = 0;
	return at;
}

void notify_send(int fd, const char *text, size_t len)
{
	/* whoever does not read loses messages: nothing else may wait for it */
	(void)!send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}
