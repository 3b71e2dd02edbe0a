/* SPDX-License-Identifier: Apache-2.0 */
/* A process that ends by SIGSEGV, as the kernel sends it: also a process 1 of a namespace. */
#include <stddef.h>
#include <sys/mman.h>

int main(void)
{
	volatile int *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return *none;
}
