/* SPDX-License-Identifier: Apache-2.0 */
/* HOME of a process whose environment has none. */
#ifndef NACRE_INIT_HOME_H
#define NACRE_INIT_HOME_H

#include <limits.h>
#include <stdint.h>

/*
 * The home directory that the file `passwd` (an image's /etc/passwd: hostile, read with bounds)
 * gives user `uid`; "/" when it gives none.
 */
void home_find(const char *passwd, uint32_t uid, char home[PATH_MAX]);

#endif
