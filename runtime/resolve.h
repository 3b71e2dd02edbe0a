/* SPDX-License-Identifier: Apache-2.0 */
/* Paths whose links somebody else made. */
#ifndef NACRE_RUNTIME_RESOLVE_H
#define NACRE_RUNTIME_RESOLVE_H

#include <linux/openat2.h>
#include <stdint.h>

/* How the paths of an image are looked up: its links lead nowhere but into it, and never through a descriptor. */
#define RESOLVE_IMAGE (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)

/*
 * An O_PATH descriptor of `path` from dir_fd on, looked up by openat2(2) with these RESOLVE_*,
 * or -errno. The caller owns it.
 */
int resolve_path(int dir_fd, const char *path, uint64_t resolve);

#endif
