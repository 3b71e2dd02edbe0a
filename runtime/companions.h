/* SPDX-License-Identifier: Apache-2.0 */
/* The other programs, the guest's kernel and the built-in image, found beside nacre's own executable. */
#ifndef NACRE_RUNTIME_COMPANIONS_H
#define NACRE_RUNTIME_COMPANIONS_H

#include "arena.h"
#include "failure.h"

struct companions {
	const char *monitor, *vmm, *fsd, *init, *kernel, *rootfs;
};

/*
 * Notes where our own program lies, /proc/self/exe. For main(), before rootless_enter(): if nobody else is in the
 * mount namespace where we were started, it ends when we leave it, and the kernel knows the way to the program
 * from the top of its file system only. 0 or -errno.
 */
int companions_note(void);

/*
 * Finds PREFIX (PREFIX/bin/nacre is our own program). Checks nothing but that. Returns 0 or -errno with the
 * failure set.
 */
int companions_find(struct companions *companions, struct arena *arena, struct failure *failure);

/* Checks that the programs are there and can be started. 0, or -errno with the failure set. */
int companions_check(const struct companions *companions, struct failure *failure);

#endif
