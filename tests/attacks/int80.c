/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 32-bit system call, past a filter for the 64-bit ones: no such ABI, so the instruction
 * itself is refused.
 */
/* EXPECT: default=SIGSEGV bare=SIGSEGV wide=SIGSEGV crun=success */
#include "attack.h"

/* int 0x80: the 32-bit system call (getpid). */
static long call(long nr, long a, long b, long c)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return r;
}

int main(void)
{
	return call(20 /* getpid */, 0, 0, 0) == getpid() ? SUCCEEDED : CONTAINED;
}
