/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of type "overlay", which engines ask for where a container is to see changes of its own over a directory
 * (podman run -v A:B:O, --mount type=image). The directories are the host's, and so is the mount.
 */
#ifndef NACRE_RUNTIME_OVERLAY_H
#define NACRE_RUNTIME_OVERLAY_H

#include "config.h"

/*
 * Mounts it where nobody else sees it; `place` is a directory for that, and left as it is. Returns a descriptor of
 * the mount, or -errno.
 */
int overlay_open(const struct config_mount *mount, const char *place);

#endif
