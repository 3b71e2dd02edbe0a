/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a command names, and what a failure to run it means. */
#ifndef NACRE_INIT_EXEC_PATH_H
#define NACRE_INIT_EXEC_PATH_H

#include <limits.h>

#include "report.h"

/*
 * Finds what `name` stands for: itself if it has a slash, else the first executable file of that
 * name in `search` (PATH of the environment to be; NULL and "" find nothing; an empty entry is the
 * current directory). As the calling process's user, from its root. 0 with the path in out[], or
 * -errno with *r filled in: 127 when there is none, 126 when there is one that may not be executed.
 */
int exec_path_find(const char *name, const char *search, char out[PATH_MAX], struct report *r);

/* What a failed execve of `path` is reported as. Returns -err. */
int exec_path_failed(const char *path, int err, struct report *r);

#endif
