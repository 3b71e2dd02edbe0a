/* SPDX-License-Identifier: Apache-2.0 */
/* The vCPU threads. See vcpu.h. */
#include "vcpu.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/arch.h"
#include "end.h"
#include "filter.h"
#include "kvm_call.h"
#include "mmio.h"
#include "times.h"

/* KVM_RUN needs little; musl's default of 128 KiB would do, but is not promised to stay. */
#define STACK_SIZE ((size_t)64 * 1024)

struct vcpu {
	struct machine *m;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	atomic_int tid; /* 0: not started yet */
};

/*
 * Pausing. The device thread sets `paused` and, for each vCPU, immediate_exit, and sends a signal:
 * whether the thread is in KVM_RUN or on its way there, it comes out (KVM api.rst, immediate_exit).
 * It then waits on `paused`; the last one to get there writes to `parked_fd`.
 */
static struct {
	atomic_uint paused; /* a futex */
	atomic_uint n_parked;
	int parked_fd;
	pid_t pid; /* our own */
} pausing = { .parked_fd = -1 };

static struct vcpu vcpus[MACHINE_MAX_CPUS];
static unsigned int n_vcpus;

static struct virtio_dev *device_at(struct machine *m, uint64_t gpa, uint64_t *off)
{
	for (unsigned int i = 0; i < m->n_devs; i++) {
		uint64_t base = arch_mmio_base(i);

		if (gpa >= base && gpa - base < MMIO_WINDOW) {
			*off = gpa - base;
			return &m->dev[i];
		}
	}
	return NULL;
}

/*
 * KVM api.rst, KVM_EXIT_MMIO. `len` and `phys_addr` are made by KVM from what the guest did; data is
 * 8 bytes, so len is bounded once more. Reads of nothing give all ones, as on a bus.
 */
static void handle_mmio(struct machine *m, struct kvm_run *run)
{
	unsigned int len = run->mmio.len <= sizeof(run->mmio.data) ? run->mmio.len : 0;
	uint64_t off;
	struct virtio_dev *dev = device_at(m, run->mmio.phys_addr, &off);

	if (dev && run->mmio.is_write) {
		mmio_write(dev, off, run->mmio.data, len);
	} else if (dev) {
		mmio_read(dev, off, run->mmio.data, len);
	} else if (!run->mmio.is_write) {
		for (unsigned int i = 0; i < sizeof(run->mmio.data); i++)
			run->mmio.data[i] = 0xff;
	}
}

/* One exit. False when the VM is to end. */
static bool handle_exit(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		times_exit(v->index, run->mmio.is_write ? VM_EXIT_KIND_MMIO_WRITE
							: VM_EXIT_KIND_MMIO_READ);
		handle_mmio(v->m, run);
		return true;
	case KVM_EXIT_INTR:
		times_exit(v->index, VM_EXIT_KIND_INTR);
		return true;
	case KVM_EXIT_SHUTDOWN: /* triple fault: how the guest's kernel reboots */
	case KVM_EXIT_SYSTEM_EVENT:
	case KVM_EXIT_HLT:
		end_request(VM_END_GUEST_RESET, 0);
		return false;
	case KVM_EXIT_INTERNAL_ERROR:
		end_request(VM_END_KVM,
			    (uint64_t)run->exit_reason << 32 | run->internal.suberror);
		return false;
	case KVM_EXIT_FAIL_ENTRY:
		end_request(VM_END_KVM, (uint64_t)run->exit_reason << 32 |
						(uint32_t)run->fail_entry.hardware_entry_failure_reason);
		return false;
	default:
		times_exit(v->index, run->exit_reason == KVM_EXIT_IO ? VM_EXIT_KIND_IO
								     : VM_EXIT_KIND_OTHER);
		if (arch_handle_exit(run))
			return true;
		end_request(VM_END_KVM, (uint64_t)run->exit_reason << 32);
		return false;
	}
}

/* A thread that is done waits for the process to end: ending itself takes calls that it has not. */
static void wait_for_end(void)
{
	static sem_t never;

	for (;;)
		sem_wait(&never);
}

/* Stays here while the VM is paused. */
static void park(struct vcpu *v)
{
	uint64_t one = 1;

	if (atomic_fetch_add(&pausing.n_parked, 1) + 1 == n_vcpus &&
	    write(pausing.parked_fd, &one, sizeof(one)) < 0)
		return; /* cannot be: an eventfd takes a 1 */
	while (atomic_load(&pausing.paused))
		syscall(SYS_futex, &pausing.paused, FUTEX_WAIT_PRIVATE, 1, NULL);
	/*
	 * "This ioctl ... indicates to the host kernel that the specified guest is being paused by
	 * userspace": its watchdog then finds no soft lockup (KVM api.rst, KVM_KVMCLOCK_CTRL).
	 * EINVAL where the guest has no such clock.
	 */
	(void)kvm_call(v->fd, KVM_KVMCLOCK_CTRL, 0);
	/* Behind it `paused` is looked at once more, before KVM_RUN. */
	atomic_fetch_sub(&pausing.n_parked, 1);
}

static void *run_vcpu(void *arg)
{
	struct vcpu *v = arg;

	atomic_store(&v->tid, (int)syscall(SYS_gettid));
	if (v->index == 0)
		times_stamp(VM_STAMP_ENTRY);
	filter_apply(FILTER_VCPU);
	for (;;) {
		int r;

		if (atomic_load(&pausing.paused))
			park(v);
		r = kvm_call(v->fd, KVM_RUN, 0);

		if (r < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (r < 0) {
			end_request(VM_END_KVM, (uint64_t)UINT32_MAX << 32 | (uint32_t)errno);
			wait_for_end();
		}
		if (!handle_exit(v))
			wait_for_end();
	}
	return NULL;
}

/* It has only to interrupt KVM_RUN. */
static void on_kick(int sig)
{
	(void)sig;
}

int vcpu_parked_fd(void)
{
	if (pausing.parked_fd < 0)
		pausing.parked_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return pausing.parked_fd < 0 ? -errno : pausing.parked_fd;
}

/*
 * Another pause may come before every thread has left the last one: they stay, or come back. One
 * that has not started yet finds `paused` set.
 */
void vcpu_pause(void)
{
	atomic_store(&pausing.paused, 1);
	for (unsigned int i = 0; i < n_vcpus; i++) {
		int tid = atomic_load(&vcpus[i].tid);

		__atomic_store_n(&vcpus[i].run->immediate_exit, 1, __ATOMIC_SEQ_CST);
		if (tid)
			syscall(SYS_tgkill, pausing.pid, tid, SIGUSR1);
	}
}

bool vcpu_note_parked(void)
{
	uint64_t n;

	if (pausing.parked_fd >= 0 && read(pausing.parked_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		return false;
	return atomic_load(&pausing.paused) && atomic_load(&pausing.n_parked) == n_vcpus;
}

void vcpu_resume(void)
{
	if (!atomic_load(&pausing.paused))
		return;
	for (unsigned int i = 0; i < n_vcpus; i++)
		__atomic_store_n(&vcpus[i].run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	atomic_store(&pausing.paused, 0);
	syscall(SYS_futex, &pausing.paused, FUTEX_WAKE_PRIVATE, MACHINE_MAX_CPUS);
}

void vcpu_map(struct machine *m, int kvm_fd)
{
	int size = kvm_call(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (size < (int)sizeof(struct kvm_run))
		setup_fail(errno, "KVM_GET_VCPU_MMAP_SIZE");
	for (n_vcpus = 0; n_vcpus < m->n_cpus; n_vcpus++) {
		struct vcpu *v = &vcpus[n_vcpus];

		v->m = m;
		v->index = n_vcpus;
		v->fd = m->vcpu_fd[n_vcpus];
		v->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
		if (v->run == MAP_FAILED)
			setup_fail(errno, "mapping vCPU %u", n_vcpus);
	}
}

void vcpu_start_all(void)
{
	struct sigaction kick = { .sa_handler = on_kick };
	pthread_attr_t attr;

	pausing.pid = getpid();
	if (sigaction(SIGUSR1, &kick, NULL))
		setup_fail(errno, "handling a signal");

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (unsigned int i = 0; i < n_vcpus; i++) {
		pthread_t thread;
		int r = pthread_create(&thread, &attr, run_vcpu, &vcpus[i]);

		if (r)
			setup_fail(r, "starting vCPU %u", i);
	}
	pthread_attr_destroy(&attr);
}
