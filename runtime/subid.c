/* SPDX-License-Identifier: Apache-2.0 */
/* Which host ids a VMM may run as; see subid.h. subuid(5): NAME:START:COUNT. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "size.h"
#include "subid.h"

/* The name that the line has a range for, or NULL. Cuts the line up. */
static const char *line_read(char *line, struct subid_range *range)
{
	char *save = NULL;
	const char *name = strtok_r(line, ":", &save);
	const char *start_text = strtok_r(NULL, ":", &save);
	const char *count_text = strtok_r(NULL, ":\n", &save);
	uint64_t start, count;

	if (!name || !start_text || !count_text)
		return NULL;
	if (number_parse(start_text, UINT32_MAX - 1, &start) != 0 ||
	    number_parse(count_text, UINT32_MAX, &count) != 0)
		return NULL;
	/* never root, and never the id that means "none" */
	if (start == 0 || count == 0 || count > UINT32_MAX - start)
		return NULL;
	*range = (struct subid_range){ .start = (uint32_t)start, .count = (uint32_t)count };
	return name;
}

/* The first range of the first of these users that has one. */
static bool range_find(const char *file, const char *const *users, size_t n_users,
		       struct subid_range *range)
{
	FILE *in = fopen(file, "re");
	size_t found = n_users;
	struct subid_range read;
	char line[512];

	if (!in)
		return false;
	while (found > 0 && fgets(line, sizeof(line), in)) {
		const char *name = line_read(line, &read);

		for (size_t i = 0; name && i < found; i++) {
			if (strcmp(name, users[i]) == 0) {
				*range = read;
				found = i;
			}
		}
	}
	fclose(in);
	return found < n_users;
}

struct subid_range subid_range_read(const char *file)
{
	static const char *const users[] = { "nacre", "containers" };
	struct subid_range range;

	if (range_find(file, users, sizeof(users) / sizeof(users[0]), &range))
		return range;
	return (struct subid_range){ .start = SUBID_BUILTIN_START, .count = SUBID_BUILTIN_COUNT };
}

bool subid_range_of_user(const char *file, const char *name, uint32_t uid,
			 struct subid_range *range)
{
	char number[16];
	const char *const users[] = { name, number };

	snprintf(number, sizeof(number), "%u", uid);
	return range_find(file, users, sizeof(users) / sizeof(users[0]), range);
}

struct subid_range subid_range_in(const char *map, const char *file, uint32_t container_ids)
{
	FILE *in = fopen(map, "re");
	uint64_t inside, outside, count, end = 0, total = 0;

	if (!in)
		return subid_range_read(file);
	/* the kernel wrote it */
	while (fscanf(in, "%" SCNu64 " %" SCNu64 " %" SCNu64, &inside, &outside, &count) == 3) { /* NOLINT(cert-err34-c) */
		total += count;
		if (inside + count > end)
			end = inside + count;
	}
	fclose(in);
	if (total >= UINT32_MAX)
		return subid_range_read(file);
	if (container_ids < SUBID_CONTAINER_IDS)
		container_ids = SUBID_CONTAINER_IDS;
	if (end > container_ids)
		return (struct subid_range){ .start = container_ids,
					     .count = (uint32_t)(end - container_ids),
					     .shared = true };
	return (struct subid_range){ .start = end > 0 ? (uint32_t)(end - 1) : 0, .count = 1,
				     .shared = true };
}
