/* SPDX-License-Identifier: Apache-2.0 */
/* Options of a mount, as in fstab and config.json. */
#ifndef NACRE_RUNTIME_MOUNT_OPTIONS_H
#define NACRE_RUNTIME_MOUNT_OPTIONS_H

#include "config.h"

/*
 * Applies one option to a mount. Words that are no option of every mount are the file system's own
 * and collect in mount->data; a bind has no such: -EINVAL. Options that are known but not carried
 * out are -EOPNOTSUPP. *why then says what is wrong.
 */
int mount_option_apply(struct config_mount *mount, const char *option, struct arena *arena,
		       const char **why);

#endif
