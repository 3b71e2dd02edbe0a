/* SPDX-License-Identifier: Apache-2.0 */
/* Directories that nacre keeps things in. */
#ifndef NACRE_RUNTIME_MAKE_PATH_H
#define NACRE_RUNTIME_MAKE_PATH_H

#include <sys/types.h>

/* Makes every directory of an absolute path that is missing. 0 or -errno. */
int make_path(const char *path, mode_t mode);

#endif
