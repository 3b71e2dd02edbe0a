/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of type "overlay", which engines ask for where a container is to see changes of its own over a directory
 * (podman run -v A:B:O, --mount type=image). The directories are the host's, and so is the mount.
 */
#ifndef NACRE_RUNTIME_OVERLAY_H
#define NACRE_RUNTIME_OVERLAY_H

#include "config.h"

/* The most bytes of options: mount(2) takes a page, and drops the rest. */
#define OVERLAY_OPTIONS_MAX 4095u

/*
 * Calls `fn` for each directory that the mount's options name, until it returns something else than 0, which is
 * returned. The options are not longer than OVERLAY_OPTIONS_MAX.
 */
typedef int overlay_layer_fn(void *ctx, const char *path);
int overlay_layers(const struct config_mount *mount, overlay_layer_fn *fn, void *ctx);

/*
 * Mounts it where nobody else sees it; `place` is a directory for that, and left as it is. Returns a descriptor of
 * the mount, or -errno.
 */
int overlay_open(const struct config_mount *mount, const char *place);

#endif
