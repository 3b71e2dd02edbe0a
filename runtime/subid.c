/* SPDX-License-Identifier: Apache-2.0 */
/* Which host ids a VMM may run as; see subid.h. subuid(5): NAME:START:COUNT. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "size.h"
#include "subid.h"

static bool line_read(char *line, const char *user, struct subid_range *range)
{
	char *save = NULL;
	const char *name = strtok_r(line, ":", &save);
	const char *start_text = strtok_r(NULL, ":", &save);
	const char *count_text = strtok_r(NULL, ":\n", &save);
	uint64_t start, count;

	if (!name || !start_text || !count_text || strcmp(name, user) != 0)
		return false;
	if (number_parse(start_text, UINT32_MAX - 1, &start) != 0 ||
	    number_parse(count_text, UINT32_MAX, &count) != 0)
		return false;
	/* never root, and never the id that means "none" */
	if (start == 0 || count == 0 || count > UINT32_MAX - start)
		return false;
	*range = (struct subid_range){ .start = (uint32_t)start, .count = (uint32_t)count };
	return true;
}

struct subid_range subid_range_read(const char *file)
{
	static const char *const users[] = { "nacre", "containers" };
	struct subid_range range = { SUBID_BUILTIN_START, SUBID_BUILTIN_COUNT };
	bool found = false;
	char line[512];

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]) && !found; i++) {
		FILE *in = fopen(file, "re");

		if (!in)
			return range;
		while (!found && fgets(line, sizeof(line), in))
			found = line_read(line, users[i], &range);
		fclose(in);
	}
	return range;
}
