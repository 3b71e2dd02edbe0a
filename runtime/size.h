/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and sizes as a user writes them. */
#ifndef NACRE_RUNTIME_SIZE_H
#define NACRE_RUNTIME_SIZE_H

#include <stdint.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/*
 * Reads a SIZE: decimal digits and nothing, B, K, M or G (binary, either case, "KiB" and "KB" too).
 * Returns 0, -EINVAL (not a size) or -ERANGE (above 2^64 - 1).
 */
int size_parse(const char *text, uint64_t *bytes);

/* Reads decimal digits. Returns 0, -EINVAL or -ERANGE (above max). */
int number_parse(const char *text, uint64_t max, uint64_t *value);

#endif
