/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clone3(2), as libc has no function for what it can do: a process that shares memory with this one and is born
 * into a cgroup. Unlike fork() it copies nothing, which is most of what a start of another program costs.
 */
#ifndef NACRE_CLONE3_H
#define NACRE_CLONE3_H

#include <linux/sched.h>
#include <linux/unistd.h>

/*
 * With CLONE_VM and a stack of its own in `args`: the new process runs run(ctx) and exits with status 0. What libc
 * keeps for a thread it shares with the one that calls, which is to wait for it (CLONE_VFORK). Its pid, or -errno.
 */
static inline long clone3_run(const struct clone_args *args, void (*run)(void *ctx), void *ctx)
{
	/*
	 * The new process begins behind the system call, with all registers as they were but the one with the result
	 * and the stack pointer; the kernel sets that to the end of the stack, which is aligned for the call.
	 */
#if defined(__x86_64__)
	long result = __NR_clone3;

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
			   [exit] "i"(__NR_exit)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long number __asm__("x8") = __NR_clone3;
	register long result __asm__("x0") = (long)args;
	register long size __asm__("x1") = sizeof(*args);

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x0, %[ctx]\n\t"
			 "blr %[run]\n\t"
			 "mov x0, #0\n\t"
			 "mov x8, %[exit]\n\t"
			 "svc #0\n\t"
			 "1:"
			 : "+r"(result)
			 : "r"(number), "r"(size), [run] "r"(run), [ctx] "r"(ctx), [exit] "i"(__NR_exit)
			 : "x30", "memory", "cc");
	return result;
#else
#error "clone3_run() is written for x86-64 and arm64"
#endif
}

#endif
