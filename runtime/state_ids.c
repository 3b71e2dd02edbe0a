/* SPDX-License-Identifier: Apache-2.0 */
/* What containers there are; see state.h. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "ident.h"
#include "state.h"

static int is_container(const struct dirent *entry)
{
	return ident_is_valid(entry->d_name);
}

int state_ids(const char *root, struct string_list *ids, struct arena *arena)
{
	struct dirent **entries = NULL;
	int n = scandir(root, &entries, is_container, alphasort);

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		string_list_add(arena, ids, arena_printf(arena, "%s", entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
	return 0;
}
