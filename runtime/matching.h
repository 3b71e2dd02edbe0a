/* SPDX-License-Identifier: Apache-2.0 */
/* Containers by a regular expression, as crun's delete and kill take one. */
#ifndef NACRE_RUNTIME_MATCHING_H
#define NACRE_RUNTIME_MATCHING_H

#include "arena.h"
#include "failure.h"

/*
 * The names below `root`, sorted, in which the extended regular expression is found: regex(7). None is
 * no error. Returns 0, or -errno with the failure set.
 */
int matching_ids(const char *root, const char *expression, struct string_list *ids,
		 struct arena *arena, struct failure *failure);

#endif
