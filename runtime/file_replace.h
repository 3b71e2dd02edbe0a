/* SPDX-License-Identifier: Apache-2.0 */
/* Files that others read: whole and new, or as they were. */
#ifndef NACRE_RUNTIME_FILE_REPLACE_H
#define NACRE_RUNTIME_FILE_REPLACE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Writes a file under the name ".NAME.new" (mode `mode`) and renames it to NAME, in one directory.
 * Returns 0 or -errno; a failure leaves what was there.
 */
int file_replace(int dir_fd, const char *name, const char *text, size_t len, mode_t mode);

#endif
