/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the file systems that the guest's kernel makes, and of overlays, which the host's makes. */
#ifndef NACRE_RUNTIME_MOUNT_DATA_H
#define NACRE_RUNTIME_MOUNT_DATA_H

#include <stddef.h>

/*
 * Looks through the options in `data` (separated by commas) for one that the file system `type` does
 * not have. Returns it, with its length in *len; NULL when there is none. What a value may be is for
 * that kernel to say.
 */
const char *mount_data_unknown(const char *type, const char *data, size_t *len);

#endif
