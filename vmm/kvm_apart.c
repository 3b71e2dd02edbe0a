/* SPDX-License-Identifier: Apache-2.0 */
/* A VM whose end nobody waits for. See kvm_apart.h. */
#include "kvm_apart.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clone3.h"
#include "kvm_call.h"

struct order {
	int kvm_fd;
	sem_t *asked;
	int vm_fd; /* or -errno */
};

int kvm_create_here(int kvm_fd, sem_t *asked)
{
	int vm_fd;

	sem_post(asked);
	do {
		vm_fd = kvm_call(kvm_fd, KVM_CREATE_VM, 0);
	} while (vm_fd < 0 && errno == EINTR);
	return vm_fd < 0 ? -errno : vm_fd;
}

/* The other process. */
static void create(void *ctx)
{
	struct order *order = ctx;

	order->vm_fd = kvm_create_here(order->kvm_fd, order->asked);
}

int kvm_apart_begin(void)
{
	/* requests are refused until somebody enables them by a descriptor of it (io_uring_setup(2)) */
	struct io_uring_params params = { .flags = IORING_SETUP_R_DISABLED };
	int ring_fd = (int)syscall(SYS_io_uring_setup, 1, &params);

	return ring_fd < 0 ? -errno : ring_fd;
}

int kvm_create_in(int kvm_fd, int cgroup_fd, sem_t *asked)
{
	static _Alignas(16) uint8_t stack[16 << 10];
	struct order order = { .kvm_fd = kvm_fd, .asked = asked, .vm_fd = -ECHILD };
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_FILES | CLONE_VFORK | CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = sizeof(stack),
		.cgroup = (__u64)cgroup_fd,
	};
	long pid;

	signal(SIGCHLD, SIG_IGN);
	pid = clone3_run(&args, create, &order);
	return pid < 0 ? (int)pid : order.vm_fd;
}

bool kvm_apart_end(int ring_fd, int vm_fd, int place_fd)
{
	/* the first is closed last, on Linux 6.1; the other way round one VM more could wait than there are places */
	const int held[] = { place_fd, vm_fd };
	bool is_held;

	/* What is mapped is of no use: no access, and no thread's policy has mprotect(). */
	is_held = syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_FILES, held, 2) == 0 &&
		  mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE, MAP_SHARED, ring_fd,
		       IORING_OFF_SQ_RING) != MAP_FAILED;
	close(ring_fd);
	return is_held;
}
