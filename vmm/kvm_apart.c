/* SPDX-License-Identifier: Apache-2.0 */
/* A VM whose end nobody waits for. See kvm_apart.h. */
#include "kvm_apart.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/arch.h"
#include "kvm_call.h"

struct order {
	int kvm_fd;
	int vm_fd; /* or -errno */
};

/* The other process. What libc keeps for a thread it shares with the one that waits for it (CLONE_VFORK). */
static void create(void *ctx)
{
	struct order *order = ctx;

	do {
		order->vm_fd = kvm_call(order->kvm_fd, KVM_CREATE_VM, 0);
	} while (order->vm_fd < 0 && errno == EINTR);
	if (order->vm_fd < 0)
		order->vm_fd = -errno;
}

int kvm_create_in(int kvm_fd, int cgroup_fd)
{
	static _Alignas(16) uint8_t stack[16 << 10];
	struct order order = { .kvm_fd = kvm_fd, .vm_fd = -ECHILD };
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FILES | CLONE_VFORK | CLONE_INTO_CGROUP,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
		.cgroup = (__u64)cgroup_fd,
	};
	long pid = arch_clone(&args, create, &order);

	if (pid < 0)
		return (int)pid;
	while (waitpid((pid_t)pid, NULL, (int)__WCLONE) < 0 && errno == EINTR)
		;
	return order.vm_fd;
}

void kvm_end_apart(int vm_fd)
{
	/* takes no request as long as nobody enables it, which needs a descriptor (io_uring_setup(2)) */
	struct io_uring_params params = { .flags = IORING_SETUP_R_DISABLED };
	int ring_fd = (int)syscall(SYS_io_uring_setup, 1, &params);

	if (ring_fd < 0)
		return;
	/* the mapping is what keeps the ring until this process' memory goes; it shows nothing of it */
	if (syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_FILES, &vm_fd, 1) == 0)
		(void)mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE, MAP_SHARED, ring_fd,
			   IORING_OFF_SQ_RING);
	close(ring_fd);
}
