/* SPDX-License-Identifier: Apache-2.0 */
/* Containers by a regular expression; see matching.h. */
#include <errno.h>
#include <regex.h>
#include <string.h>

#include "matching.h"
#include "state.h"

int matching_ids(const char *root, const char *expression, struct string_list *ids,
		 struct arena *arena, struct failure *failure)
{
	struct string_list all = { .n = 0 };
	char why[128];
	regex_t regex;
	int err = regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB);

	if (err) {
		regerror(err, &regex, why, sizeof(why));
		return failure_set(failure, -EINVAL, "--regex %s: expected an extended regular "
				   "expression: %s", expression, why);
	}
	err = state_ids(root, &all, arena);
	if (err == -ENOENT)
		err = 0;
	if (err)
		failure_set(failure, err, "--root %s: %s", root, strerror(-err));
	for (size_t i = 0; i < all.n; i++) {
		if (regexec(&regex, all.v[i], 0, NULL, 0) == 0)
			string_list_add(arena, ids, all.v[i]);
	}
	regfree(&regex);
	return err;
}
