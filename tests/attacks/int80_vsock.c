/* SPDX-License-Identifier: Apache-2.0 */
/* A socket of AF_VSOCK by the 32-bit ABI. */
/* EXPECT: default=SIGSEGV bare=SIGSEGV wide=SIGSEGV */
#include "attack.h"

/* int 0x80: the 32-bit system call (socket). */
static long call(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

int main(void)
{
	return call(359 /* socket */, AF_VSOCK, SOCK_STREAM, 0) >= 0 ? SUCCEEDED : CONTAINED;
}
