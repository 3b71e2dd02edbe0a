/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a companion found of its own confinement, once, just after it was confined and before it
 * read a byte that a guest wrote: /proc does not show Landlock. One record at PROGRAM * size in a
 * file that `nacre` made in the state directory; the descriptor is closed again at once.
 */
#ifndef NACRE_CONFINED_H
#define NACRE_CONFINED_H

#include <assert.h>

#include "bytes.h"

#define CONFINED_MAGIC 0x464e4f43u

enum confined_program { CONFINED_VMM, CONFINED_FSD, CONFINED_MONITOR, CONFINED_COUNT };

struct confined_record {
	struct le32 magic;
	struct le32 landlock_abi; /* 0: this kernel has no Landlock, or it is not turned on */
	struct le32 probe_errno;  /* why opening "/" was refused; 0: it was not */
	struct le32 copy;	  /* nacre-vmm: 1: the machine begins as a template's copy */
};
static_assert(sizeof(struct confined_record) == 16, "wire size");

static inline struct confined_record confined_record_of(int landlock_abi, int probe_errno)
{
	return (struct confined_record){
		.magic = le32_of(CONFINED_MAGIC),
		.landlock_abi = le32_of((uint32_t)landlock_abi),
		.probe_errno = le32_of((uint32_t)probe_errno),
	};
}

#endif
