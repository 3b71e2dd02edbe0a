/* SPDX-License-Identifier: Apache-2.0 */
/* Containers by a regular expression; see matching.h. */
#include <dirent.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "ident.h"
#include "matching.h"

static int is_container(const struct dirent *entry)
{
	return ident_is_valid(entry->d_name);
}

int matching_ids(const char *root, const char *expression, struct string_list *ids,
		 struct arena *arena, struct failure *failure)
{
	struct dirent **entries = NULL;
	char why[128];
	regex_t regex;
	int err = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB), n;

	if (err) {
		regerror(err, &regex, why, sizeof(why));
		return failure_set(failure, -EINVAL, "--regex %s: expected an extended regular "
				   "expression: %s", expression, why);
	}
	n = scandir(root, &entries, is_container, alphasort);
	if (n < 0 && errno != ENOENT) /* before the first container there is none */
		err = failure_set(failure, -errno, "--root %s: %s", root, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (regexec(&regex, entries[i]->d_name, 0, NULL, 0) == 0)
			string_list_add(arena, ids, arena_printf(arena, "%s", entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
	regfree(&regex);
	return err;
}
