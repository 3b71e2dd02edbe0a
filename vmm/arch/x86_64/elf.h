/* SPDX-License-Identifier: Apache-2.0 */
/* The ELF vmlinux loader. The file is the user's choice (--kernel), its content is not trusted. */
#ifndef NACRE_VMM_X86_64_ELF_H
#define NACRE_VMM_X86_64_ELF_H

#include <stdint.h>

#include "../../gmem.h"

struct elf_kernel {
	uint32_t entry;	     /* PVH entry, guest-physical */
	uint64_t end;	     /* one past the highest loaded byte, guest-physical */
};

/*
 * Loads the PT_LOAD segments of fd to their physical addresses, all at or above `lowest`, and finds
 * the PVH note. Returns NULL, or a text that says what is wrong (a string constant).
 */
const char *elf_load(const struct gmem *mem, int fd, uint64_t lowest, struct elf_kernel *k);

#endif
