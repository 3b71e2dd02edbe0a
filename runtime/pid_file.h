/* SPDX-License-Identifier: Apache-2.0 */
/* --pid-file: digits, no line end, under a temporary name first. The last thing that a verb does. */
#ifndef NACRE_RUNTIME_PID_FILE_H
#define NACRE_RUNTIME_PID_FILE_H

#include <sys/types.h>

#include "failure.h"

/* Whether there is a directory to write it in; before anything is made. 0 or -errno with the failure set. */
int pid_file_check(const char *path, struct failure *failure);

/* Writes the file; `path` may be NULL: none. Returns 0 or -errno with the failure set. */
int pid_file_write(const char *path, pid_t pid, struct failure *failure);

#endif
