/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of processors or memory nodes as cpuset(7) "List Format" has them: "0-3,8". */
#ifndef NACRE_RUNTIME_CPUSET_H
#define NACRE_RUNTIME_CPUSET_H

#include <stdint.h>

/* How many numbers a list names, or -EINVAL when it is none. Numbers are at most 65535. */
int cpuset_count(const char *list);

/*
 * Sets the bits of the numbers that a list names, the lowest bit of the first byte for 0. `bits` has
 * CPUSET_BYTES, which are set to zero before. Returns how many bytes there are up to the last one that is
 * not zero, or -EINVAL when it is no list.
 */
#define CPUSET_BYTES 8192
int cpuset_bits(const char *list, uint8_t *bits);

#endif
