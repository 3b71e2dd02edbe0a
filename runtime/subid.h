/* SPDX-License-Identifier: Apache-2.0 */
/* Which host ids a VMM may run as. */
#ifndef NACRE_RUNTIME_SUBID_H
#define NACRE_RUNTIME_SUBID_H

#include <stdint.h>

/* The range when /etc/subuid names none (interface "Host uids for VMMs"). */
#define SUBID_BUILTIN_START 0x70000000u
#define SUBID_BUILTIN_COUNT 0x01000000u

struct subid_range {
	uint32_t start, count;
};

/*
 * The range of /etc/subuid or /etc/subgid (`file`) for user `nacre`, else `containers`, else the
 * built-in one.
 */
struct subid_range subid_range_read(const char *file);

#endif
