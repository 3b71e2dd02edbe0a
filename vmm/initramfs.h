/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's initramfs: a cpio archive (newc) with one file, /init, which is nacre-init. */
#ifndef NACRE_VMM_INITRAMFS_H
#define NACRE_VMM_INITRAMFS_H

#include <stdint.h>

#include "gmem.h"

#define INITRAMFS_INIT_MAX (4u << 20) /* largest nacre-init that is accepted, bytes */

/* Length of the archive for the file init_fd; 0 when it is no regular file or too large. */
uint64_t initramfs_size(int init_fd);

/* Writes it to gpa. 0, -EFAULT (does not fit into memory) or -EIO (the file shrank). */
int initramfs_write(const struct gmem *mem, gpa_t gpa, int init_fd);

#endif
