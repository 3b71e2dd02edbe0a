/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader of the guest's kernel. The file is the input; a segment must not leave guest memory
 * (AddressSanitizer sees), the loader must end, and an accepted entry must lie in what it loaded.
 */
/* SOURCES: vmm/arch/x86_64/elf.c vmm/gmem.c */
#include <sys/mman.h>

#include "fuzz.h"
#include "tests/unit/fake_guest.h"
#include "vmm/arch/x86_64/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct gmem mem;
	static int fd = -1;
	struct elf_kernel k;

	if (fd < 0) {
		mem = fake_memory();
		fd = memfd_create("kernel", MFD_CLOEXEC);
	}
	CLAIM(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	if (!elf_load(&mem, fd, FAKE_BASE, &k))
		CLAIM(k.entry >= FAKE_BASE && k.entry < k.end && k.end <= FAKE_BASE + FAKE_SIZE);
	return 0;
}
