/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is /dev/kvm hardware, or does software interpret each instruction? A guest of five bytes counts
 * a register down, and its time is compared with what a processor takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "doctor.h"
#include "fd.h"

#define NO_KVM                                                                                     \
	"expected a processor with virtualisation, enabled in the firmware (in a VM: nested), and " \
	"the module kvm_intel or kvm_amd"

#if defined(__x86_64__)

#define CODE_GPA  0x1000u
#define COUNT	  200000u
/* Hardware: well below one. Software seen: a thousand times slower. */
#define SLOW_MS	  20
#define LIMIT_MS  3000

/* dec %ecx; jnz back; hlt, as 16-bit code */
static const uint8_t guest_code[] = { 0x66, 0x49, 0x75, 0xfc, 0xf4 };

struct spin {
	int vm_fd, vcpu_fd;
	void *page;
	struct kvm_run *run;
	size_t run_size;
};

static bool spin_make(struct spin *spin, int kvm_fd)
{
	struct kvm_userspace_memory_region memory = { .guest_phys_addr = CODE_GPA,
						      .memory_size = 0x1000 };
	int size = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	spin->vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	spin->page = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (spin->vm_fd < 0 || spin->page == MAP_FAILED || size < (int)sizeof(struct kvm_run))
		return false;
	memcpy(spin->page, guest_code, sizeof(guest_code));
	memory.userspace_addr = (uintptr_t)spin->page;
	if (ioctl(spin->vm_fd, KVM_SET_USER_MEMORY_REGION, &memory) < 0)
		return false;
	spin->vcpu_fd = ioctl(spin->vm_fd, KVM_CREATE_VCPU, 0);
	spin->run_size = (size_t)size;
	if (spin->vcpu_fd < 0)
		return false;
	spin->run = mmap(NULL, spin->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, spin->vcpu_fd, 0);
	return spin->run != MAP_FAILED;
}

static bool spin_reset(const struct spin *spin)
{
	struct kvm_regs regs = { .rip = CODE_GPA, .rcx = COUNT, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(spin->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return false;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return ioctl(spin->vcpu_fd, KVM_SET_SREGS, &sregs) == 0 &&
	       ioctl(spin->vcpu_fd, KVM_SET_REGS, &regs) == 0;
}

static void on_alarm(int signo)
{
	(void)signo; /* KVM_RUN returns with EINTR */
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Milliseconds that the guest took; LIMIT_MS when it was stopped; -1: it did not run. */
static long spin_run(const struct spin *spin)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerspec limit = { .it_value = { .tv_sec = LIMIT_MS / 1000 } };
	long begun = now_ms();
	timer_t timer;
	int r;

	sigaction(SIGALRM, &action, NULL);
	if (timer_create(CLOCK_MONOTONIC, NULL, &timer) < 0)
		return -1;
	timer_settime(timer, 0, &limit, NULL);
	r = ioctl(spin->vcpu_fd, KVM_RUN, 0);
	timer_delete(timer);
	if (r < 0)
		return errno == EINTR ? LIMIT_MS : -1;
	return spin->run->exit_reason == KVM_EXIT_HLT ? now_ms() - begun : -1;
}

static long spin_measure(int kvm_fd)
{
	struct spin spin = { .vm_fd = -1, .vcpu_fd = -1, .page = MAP_FAILED, .run = MAP_FAILED };
	long ms = -1;

	/* the first run touches what the second then finds */
	if (spin_make(&spin, kvm_fd) && spin_reset(&spin)) {
		ms = spin_run(&spin);
		if (ms >= 0 && ms < LIMIT_MS && spin_reset(&spin))
			ms = spin_run(&spin);
	}
	if (spin.run != MAP_FAILED)
		munmap(spin.run, spin.run_size);
	if (spin.page != MAP_FAILED)
		munmap(spin.page, 0x1000);
	drop_fd(&spin.vcpu_fd);
	drop_fd(&spin.vm_fd);
	return ms;
}

static struct finding judge(int kvm_fd, struct arena *arena)
{
	long ms = spin_measure(kvm_fd);

	if (ms < 0)
		return (struct finding){ FINDING_MISSING, "KVM: /dev/kvm is there, but runs no guest",
					 NO_KVM };
	if (ms > SLOW_MS)
		return (struct finding){
			FINDING_MISSING,
			arena_printf(arena, "KVM: software interprets each instruction (%u of them "
				     "took %s%ld ms)", 2 * COUNT, ms == LIMIT_MS ? "over " : "",
				     ms),
			"such a /dev/kvm boots no Linux: expected hardware, or nested "
			"virtualisation enabled by whoever runs this machine",
		};
	return (struct finding){ FINDING_OK, "KVM: hardware", NULL };
}

#else

static struct finding judge(int kvm_fd, struct arena *arena)
{
	(void)kvm_fd;
	(void)arena;
	return (struct finding){ FINDING_OK, "KVM: there (its speed is not measured here)", NULL };
}

#endif

struct finding doctor_kvm(struct arena *arena)
{
	autoclose int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return (struct finding){ FINDING_MISSING, "KVM: /dev/kvm: no permission",
					 "become a member of its group: usermod -aG kvm USER" };
	if (fd < 0)
		return (struct finding){ FINDING_MISSING, "KVM: there is no /dev/kvm", NO_KVM };
	if (ioctl(fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return (struct finding){ FINDING_MISSING, "KVM: /dev/kvm is not KVM's version 12",
					 NO_KVM };
	return judge(fd, arena);
}
