// SPDX-License-Identifier: Apache-2.0
/*
 * spin: is /dev/kvm hardware, or does software interpret each instruction?
 *
 * Makes a VM with one page of memory and one vCPU in real mode that counts a
 * register down and halts, and runs the same loop here.  The count is raised
 * until the guest's part takes long enough to be measured.  Prints one line.
 *
 * Exit status: 0 hardware (or as good as), 1 emulated or not usable.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CODE_GPA	0x1000
#define MAX_RATIO	20.0
#define MIN_COUNT	20000u
#define MAX_COUNT	(1u << 28)
#define LONG_ENOUGH	0.02	/* seconds of guest time that we trust */
#define TIME_LIMIT	10	/* seconds for the whole program */

/* dec %ecx; jnz .-2; hlt: 16-bit code with an operand-size prefix */
static const uint8_t guest_code[] = { 0x66, 0x49, 0x75, 0xfc, 0xf4 };

struct spin_vm {
	int kvm, vm, vcpu;
	struct kvm_run *run;
};

/* One line, exit status 1: every way in which KVM can't be used ends here. */
static void no_kvm(const char *what, const char *why)
{
	printf("%s: %s\n", what, why);
	exit(1);
}

static void on_alarm(int sig)
{
	static const char msg[] = "spin guest: still running after 10 s\n";

	(void)sig;
	if (write(STDOUT_FILENO, msg, sizeof(msg) - 1) < 0)
		_exit(1);
	_exit(1);
}

static int kvm_ioctl(int fd, unsigned long req, unsigned long arg, const char *name)
{
	int ret = ioctl(fd, req, arg);

	if (ret < 0)
		no_kvm(name, strerror(errno));
	return ret;
}

static void vm_create(struct spin_vm *vm)
{
	struct kvm_userspace_memory_region mem = {
		.guest_phys_addr = CODE_GPA,
		.memory_size = 0x1000,
	};
	size_t run_size;
	void *page;

	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		no_kvm("/dev/kvm", strerror(errno));
	vm->vm = kvm_ioctl(vm->kvm, KVM_CREATE_VM, 0, "KVM_CREATE_VM");
	page = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		no_kvm("mmap", strerror(errno));
	memcpy(page, guest_code, sizeof(guest_code));
	mem.userspace_addr = (uintptr_t)page;
	kvm_ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, (uintptr_t)&mem, "KVM_SET_USER_MEMORY_REGION");
	vm->vcpu = kvm_ioctl(vm->vm, KVM_CREATE_VCPU, 0, "KVM_CREATE_VCPU");
	run_size = (size_t)kvm_ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE");
	vm->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
	if (vm->run == MAP_FAILED)
		no_kvm("mmap of the vCPU", strerror(errno));
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Seconds that the guest takes to count down from @count. */
static double guest_spin(struct spin_vm *vm, uint32_t count)
{
	struct kvm_regs regs = { .rip = CODE_GPA, .rcx = count, .rflags = 2 };
	struct kvm_sregs sregs;
	double start;

	kvm_ioctl(vm->vcpu, KVM_GET_SREGS, (uintptr_t)&sregs, "KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	kvm_ioctl(vm->vcpu, KVM_SET_SREGS, (uintptr_t)&sregs, "KVM_SET_SREGS");
	kvm_ioctl(vm->vcpu, KVM_SET_REGS, (uintptr_t)&regs, "KVM_SET_REGS");
	start = now();
	do {
		vm->run->exit_reason = KVM_EXIT_UNKNOWN;
		if (ioctl(vm->vcpu, KVM_RUN, 0) < 0 && errno != EINTR && errno != EAGAIN)
			no_kvm("KVM_RUN", strerror(errno));
	} while (vm->run->exit_reason == KVM_EXIT_UNKNOWN ||
		 vm->run->exit_reason == KVM_EXIT_INTR);
	if (vm->run->exit_reason != KVM_EXIT_HLT)
		no_kvm("spin guest", "did not end with HLT");
	return now() - start;
}

/* The same loop here; the best of three, because others use this machine too. */
static double host_spin(uint32_t count)
{
	double best = 1e9;

	for (int i = 0; i < 3; i++) {
		double start = now(), t;
		uint32_t n = count;

#if defined(__x86_64__) || defined(__i386__)
		__asm__ volatile("1: decl %0; jnz 1b" : "+r"(n) : : "cc");
#else
		while (n)
			__asm__ volatile("" : "+r"(n) : "0"(n - 1));
#endif
		t = now() - start;
		if (t < best)
			best = t;
	}
	return best;
}

int main(void)
{
	struct spin_vm vm;
	uint32_t count = MIN_COUNT;
	double guest, ratio;

	signal(SIGALRM, on_alarm);
	alarm(TIME_LIMIT);
	vm_create(&vm);
	guest_spin(&vm, 16);	/* the first entry pays for what is set up lazily */
	for (;;) {
		guest = guest_spin(&vm, count);
		if (guest >= LONG_ENOUGH || count >= MAX_COUNT)
			break;
		count *= 4;
	}
	ratio = guest / host_spin(count);
	printf("spin guest: %.1f times the time of the host\n", ratio);
	return ratio <= MAX_RATIO ? 0 : 1;
}
