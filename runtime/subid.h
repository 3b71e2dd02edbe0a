/* SPDX-License-Identifier: Apache-2.0 */
/* Which host ids a VMM may run as. */
#ifndef NACRE_RUNTIME_SUBID_H
#define NACRE_RUNTIME_SUBID_H

#include <stdbool.h>
#include <stdint.h>

/* The range when /etc/subuid names none (interface "Host uids for VMMs"). */
#define SUBID_BUILTIN_START 0x70000000u
#define SUBID_BUILTIN_COUNT 0x01000000u

/* Ids that most containers have: those of a VMM lie above. */
#define SUBID_CONTAINER_IDS 65536u

struct subid_range {
	uint32_t start, count;
	bool shared; /* when all are taken, VMs share one: a user namespace has no others */
};

/*
 * The range of /etc/subuid or /etc/subgid (`file`) for user `nacre`, else `containers`, else the
 * built-in one.
 */
struct subid_range subid_range_read(const char *file);

/* The range of `file` for a user, by name or number. False when there is none. */
bool subid_range_of_user(const char *file, const char *name, uint32_t uid,
			 struct subid_range *range);

/*
 * As subid_range_read(), but in a user namespace that does not have all ids (`map`, a uid_map or
 * gid_map) shared ones: those above the container's, `container_ids` of them and at least
 * SUBID_CONTAINER_IDS; where there are none the last; 0 where it is the only one.
 */
struct subid_range subid_range_in(const char *map, const char *file, uint32_t container_ids);

#endif
