/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and sizes as a user writes them; see size.h. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "size.h"

static const struct {
	const char *suffix;
	uint64_t factor;
} units[] = {
	{ "", 1 },	     { "B", 1 },	 { "K", 1024 },	      { "KB", 1024 },
	{ "KiB", 1024 },     { "M", MIB },	 { "MB", MIB },	      { "MiB", MIB },
	{ "G", GIB },	     { "GB", GIB },	 { "GiB", GIB },
};

static int digits_parse(const char **at, uint64_t *value)
{
	const char *p = *at;
	uint64_t v = 0;
	int err = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			err = -ERANGE;
	}
	*at = p;
	*value = v;
	return err;
}

int size_parse(const char *text, uint64_t *bytes)
{
	uint64_t value;
	int err = digits_parse(&text, &value);

	if (err == -EINVAL)
		return err;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcasecmp(text, units[i].suffix) != 0)
			continue;
		if (err || __builtin_mul_overflow(value, units[i].factor, bytes))
			return -ERANGE;
		return 0;
	}
	return -EINVAL;
}

int number_parse(const char *text, uint64_t max, uint64_t *value)
{
	int err = digits_parse(&text, value);

	if (*text)
		return -EINVAL;
	if (err)
		return err;
	return *value > max ? -ERANGE : 0;
}
