/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths inside a container's root, which is hostile: its symbolic links may point anywhere. Every
 * look-up is openat2(2) with RESOLVE_IN_ROOT, so that "/" and ".." of a link stay inside the root,
 * and yields a descriptor, which is what is then mounted on: nothing is resolved twice.
 */
#ifndef NACRE_INIT_ROOTPATH_H
#define NACRE_INIT_ROOTPATH_H

#include <stdbool.h>
#include <sys/types.h>

/* O_PATH descriptor of what `path` is under `root`, links followed inside it. -errno. */
int rootpath_open(int root, const char *path);

/*
 * The same; what is missing is made: directories with mode 0755 and, if `file`, an empty file as
 * the last component. *existed (unless NULL) says whether it was there. -errno; -ELOOP for links
 * that lead nowhere.
 */
int rootpath_make(int root, const char *path, bool file, bool *existed);

#endif
