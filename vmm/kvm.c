/* SPDX-License-Identifier: Apache-2.0 */
/* The VM as KVM knows it. See kvm.h. */
#include "kvm.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <linux/virtio_mmio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arch/arch.h"
#include "kvm_apart.h"
#include "kvm_call.h"
#include "mmio.h"

#define HUGE_PAGE (UINT64_C(2) << 20)

static bool end_apart; /* the end of the VM is left to the kernel */

/*
 * Memory of one region, aligned to a huge page so that guest-physical and host addresses agree in
 * their low bits and KVM can map huge pages.
 */
static uint8_t *map_region(uint64_t size)
{
	size_t whole = size + HUGE_PAGE;
	uint8_t *p = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uintptr_t aligned;

	if (p == MAP_FAILED)
		return NULL;
	aligned = ((uintptr_t)p + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
	/* What lies around it stays unmapped for access: a guard on both sides. */
	if (mprotect((void *)aligned, size, PROT_READ | PROT_WRITE))
		return NULL;
	/* Advice: a host without huge pages, or with them off, works as well. */
	(void)madvise((void *)aligned, size, MADV_HUGEPAGE);
	/* Guest memory belongs in no core dump. */
	(void)madvise((void *)aligned, size, MADV_DONTDUMP);
	return (uint8_t *)aligned;
}

void kvm_map_memory(struct machine *m)
{
	arch_memory_layout(&m->mem, m->memory);
	for (unsigned int i = 0; i < m->mem.n_regions; i++) {
		struct gmem_region *r = &m->mem.region[i];

		r->hva = map_region(r->size);
		if (!r->hva)
			setup_fail(errno, "%llu MiB of guest memory",
				   (unsigned long long)(r->size >> 20));
	}
}

static void add_memory(const struct machine *m)
{
	for (unsigned int i = 0; i < m->mem.n_regions; i++) {
		const struct gmem_region *r = &m->mem.region[i];
		struct kvm_userspace_memory_region slot = {
			.slot = i,
			.guest_phys_addr = r->base,
			.memory_size = r->size,
			.userspace_addr = (uintptr_t)r->hva,
		};

		if (kvm_call_ptr(m->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot))
			setup_fail(errno, "KVM_SET_USER_MEMORY_REGION");
	}
}

/* Made elsewhere, with its end left to the kernel; or made here, where KVM's worker would keep our cgroup busy. */
static int create_apart(int kvm_fd, int cgroup_fd, int place_fd, sem_t *asked)
{
	int ring_fd = kvm_apart_begin();
	int vm_fd;

	if (ring_fd < 0)
		return kvm_create_here(kvm_fd, asked);
	vm_fd = cgroup_fd < 0 ? kvm_create_here(kvm_fd, asked) :
				kvm_create_in(kvm_fd, cgroup_fd, asked);
	if (vm_fd >= 0) {
		end_apart = kvm_apart_end(ring_fd, vm_fd, place_fd);
		return vm_fd;
	}
	close(ring_fd);
	return kvm_create_here(kvm_fd, asked);
}

void kvm_create(struct machine *m, int kvm_fd, int cgroup_fd, int place_fd, sem_t *asked)
{
	int version = kvm_call(kvm_fd, KVM_GET_API_VERSION, 0);

	if (version != KVM_API_VERSION)
		setup_fail(version < 0 ? errno : 0, "/dev/kvm: not KVM version %d", KVM_API_VERSION);
	m->vm_fd = place_fd >= 0 ? create_apart(kvm_fd, cgroup_fd, place_fd, asked) :
				   kvm_create_here(kvm_fd, asked);
	if (m->vm_fd < 0)
		setup_fail(-m->vm_fd, "KVM_CREATE_VM");
	add_memory(m);
	arch_create_vm(m, kvm_fd);
}

void kvm_create_vcpus(struct machine *m)
{
	for (unsigned int i = 0; i < m->n_cpus; i++) {
		m->vcpu_fd[i] = kvm_call(m->vm_fd, KVM_CREATE_VCPU, i);
		if (m->vcpu_fd[i] < 0)
			setup_fail(errno, "KVM_CREATE_VCPU %u", i);
	}
}

void kvm_release_interrupts(const struct machine *m)
{
	/* Linux virt/kvm/eventfd.c: a worker of KVM's waits; an expedited wait takes less than this. */
	const struct timespec moment = { .tv_nsec = 200000 };
	uint32_t never = 0;

	if (end_apart)
		return;
	for (unsigned int i = 0; i < m->n_devs; i++) {
		close(m->dev[i].irq_fd);
		/* what the thread may call is FUTEX_WAIT, and not nanosleep */
		syscall(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, &moment);
	}
}

void kvm_bind_devices(const struct machine *m)
{
	for (unsigned int i = 0; i < m->n_devs; i++) {
		const struct virtio_dev *dev = &m->dev[i];
		struct kvm_irqfd irq = { .fd = (uint32_t)dev->irq_fd, .gsi = arch_irq_line(i) };

		if (kvm_call_ptr(m->vm_fd, KVM_IRQFD, &irq))
			setup_fail(errno, "KVM_IRQFD for %s", dev->ops->name);
		for (uint32_t q = 0; q < dev->ops->n_queues; q++) {
			struct kvm_ioeventfd kick = {
				.datamatch = q,
				.addr = arch_mmio_base(i) + VIRTIO_MMIO_QUEUE_NOTIFY,
				.len = 4,
				.fd = dev->kick[q].fd,
				.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
			};

			if (kvm_call_ptr(m->vm_fd, KVM_IOEVENTFD, &kick))
				setup_fail(errno, "KVM_IOEVENTFD for %s", dev->ops->name);
		}
	}
}
