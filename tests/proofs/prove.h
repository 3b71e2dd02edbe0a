/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For harnesses of CBMC: values that may be anything, what is supposed of them, what is claimed. A
 * function whose body is missing gives any value of its type; that is all that ANY_* are.
 */
#ifndef NACRE_PROVE_H
#define NACRE_PROVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint8_t any_u8(void);
uint16_t any_u16(void);
uint32_t any_u32(void);
uint64_t any_u64(void);
size_t any_size(void);
bool any_bool(void);

#define SUPPOSE(x)     __CPROVER_assume(x)
#define CLAIM(x, text) __CPROVER_assert(x, text)

#endif
