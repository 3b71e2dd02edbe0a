/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest kernel's own log: ramoops keeps a copy of the console in a region of guest memory that is
 * reserved for it (kernel-config/README.md has the parameters). Read only when the VM ends. Every byte
 * of it, the positions included, is the guest's to forge.
 */
#ifndef NACRE_VMM_KLOG_H
#define NACRE_VMM_KLOG_H

#include <stddef.h>
#include <stdint.h>

#include "gmem.h"

/* Copies the last bytes of the log, at most `size`, oldest first. Returns their number. */
uint32_t klog_read(const struct gmem *mem, uint8_t *buf, size_t size);

#endif
