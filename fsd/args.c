/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line. See args.h. argv comes from `nacre`, which is trusted; typing errors are not.
 */
#include "args.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_id {
	OPT_SOCKET,
	OPT_CONTAINER,
	OPT_USER_NS,
	OPT_MOUNT_NS,
	OPT_ROOT,
	OPT_VOLUME,
	OPT_CONFINED,
	OPT_ALIVE,
	OPT_COUNT
};

static const char *const names[] = {
	[OPT_SOCKET] = "--socket",     [OPT_CONTAINER] = "--container", [OPT_USER_NS] = "--user-ns",
	[OPT_MOUNT_NS] = "--mount-ns", [OPT_ROOT] = "--root",           [OPT_VOLUME] = "--volume",
	[OPT_CONFINED] = "--confined", [OPT_ALIVE] = "--alive",
};
static_assert(sizeof(names) / sizeof(names[0]) == OPT_COUNT, "one name per option");

/* A decimal number up to `max`, followed by `end`; false for anything else. */
static bool parse_number(const char *text, size_t len, long max, long *n)
{
	*n = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || *n > max / 10)
			return false;
		*n = *n * 10 + (text[i] - '0');
	}
	return len > 0 && *n <= max;
}

static bool parse_fd(const char *text, int *fd)
{
	long n;

	if (!parse_number(text, strlen(text), INT_MAX, &n))
		return false;
	*fd = (int)n;
	return true;
}

/* "FD" or "FD:ro" */
static bool parse_export(const char *text, struct export *e)
{
	size_t len = strcspn(text, ":");
	long n;

	if (text[len] && strcmp(text + len, ":ro") != 0)
		return false;
	if (!parse_number(text, len, INT_MAX, &n))
		return false;
	*e = (struct export){.fd = (int)n, .read_only = text[len] != 0};
	return true;
}

static int option_of(const char *text)
{
	int i = 0;

	while (i < OPT_COUNT && strcmp(names[i], text) != 0)
		i++;
	return i;
}

static bool take_option(struct args *a, int option, const char *value)
{
	long n;

	switch (option) {
	case OPT_SOCKET:
		return parse_fd(value, &a->socket_fd);
	case OPT_CONTAINER:
		/* The number plus 1 has the bits 48 to 62 of a node id. */
		if (!parse_number(value, strlen(value), 0x7ffe, &n))
			return false;
		a->container = (uint32_t)n;
		return true;
	case OPT_USER_NS:
		return parse_fd(value, &a->user_ns_fd);
	case OPT_MOUNT_NS:
		return parse_fd(value, &a->mount_ns_fd);
	case OPT_CONFINED:
		return parse_fd(value, &a->confined_fd);
	case OPT_ALIVE:
		return parse_fd(value, &a->alive_fd);
	case OPT_ROOT:
		return parse_export(value, &a->export[EXPORT_ROOT]);
	case OPT_VOLUME:
		return a->n_exports < EXPORT_MAX && parse_export(value, &a->export[a->n_exports++]);
	default:
		return false;
	}
}

const char *args_parse(struct args *a, int argc, char **argv)
{
	static char line[128];

	*a = (struct args){.socket_fd = -1,
			   .user_ns_fd = -1,
			   .mount_ns_fd = -1,
			   .confined_fd = -1,
			   .alive_fd = -1,
			   .n_exports = 1};
	a->export[EXPORT_ROOT].fd = -1;
	for (int i = 1; i < argc; i += 2) {
		int option = option_of(argv[i]);

		if (option == OPT_COUNT)
			return "unknown option; nacre-fsd is started by nacre";
		if (i + 1 == argc || !take_option(a, option, argv[i + 1])) {
			snprintf(line, sizeof(line), "%s: missing, malformed or too many",
				 names[option]);
			return line;
		}
	}
	if (a->socket_fd < 0)
		return "--socket is needed";
	return a->export[EXPORT_ROOT].fd < 0 ? "--root is needed" : NULL;
}
