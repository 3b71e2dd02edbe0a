/* SPDX-License-Identifier: Apache-2.0 */
/* A path that the caller gave, as an open directory and a name in it. */
#ifndef NACRE_RUNTIME_PATH_SPLIT_H
#define NACRE_RUNTIME_PATH_SPLIT_H

#include <limits.h>

struct path_split {
	char dir[PATH_MAX];
	const char *name; /* points into the path */
};

/* Splits the path, and opens its directory with O_PATH. A descriptor or -errno. */
int path_split_open(const char *path, struct path_split *split);

#endif
