/* SPDX-License-Identifier: Apache-2.0 */
/* x86-64: clone3(2), as libc has no function for what it can do. See ../arch.h. */
#include <linux/sched.h>
#include <sys/syscall.h>

#include "../arch.h"

long arch_clone(const struct clone_args *args, void (*run)(void *ctx), void *ctx)
{
	long result = SYS_clone3;

	/*
	 * The new process begins behind the first SYSCALL, with all registers but RAX and RSP as they were; the
	 * kernel sets RSP to the end of the stack, which is aligned for the call.
	 */
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov %[ctx], %%rdi\n\t"
			 "call *%[run]\n\t"
			 "xor %%edi, %%edi\n\t"
			 "mov %[exit], %%eax\n\t"
			 "syscall\n\t"
			 "1:"
			 : "+a"(result)
			 : "D"(args), "S"(sizeof(*args)), [run] "r"(run), [ctx] "r"(ctx),
			   [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	return result;
}
