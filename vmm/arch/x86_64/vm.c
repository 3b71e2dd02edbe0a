/* SPDX-License-Identifier: Apache-2.0 */
/* x86-64: memory layout, interrupt controllers, exits. See ../arch.h and layout.h. */
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "../../kvm_call.h"
#include "../../mmio.h"
#include "../arch.h"
#include "layout.h"
#include "msr.h"

uint64_t arch_mmio_base(unsigned int index)
{
	return MMIO_BASE + (uint64_t)index * MMIO_WINDOW;
}

uint32_t arch_irq_line(unsigned int index)
{
	return FIRST_IRQ + index;
}

uint64_t arch_klog_base(void)
{
	return KLOG_GPA;
}

uint32_t arch_klog_size(void)
{
	return KLOG_SIZE;
}

void arch_memory_layout(struct gmem *mem, uint64_t bytes)
{
	uint64_t low = bytes < LOW_RAM_END ? bytes : LOW_RAM_END;

	mem->region[0] = (struct gmem_region){ .base = 0, .size = low };
	mem->n_regions = 1;
	if (bytes > low) {
		mem->region[1] = (struct gmem_region){ .base = RAM_ABOVE_4G, .size = bytes - low };
		mem->n_regions = 2;
	}
}

void arch_create_vm(const struct machine *m, int kvm_fd)
{
	uint64_t identity = IDENTITY_MAP_GPA;

	if (kvm_call_ptr(m->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity))
		setup_fail(errno, "KVM_SET_IDENTITY_MAP_ADDR");
	if (kvm_call(m->vm_fd, KVM_SET_TSS_ADDR, TSS_GPA))
		setup_fail(errno, "KVM_SET_TSS_ADDR");
	/* PIC, I/O APIC and local APICs in the kernel; no PIT, the guest has TSC deadline timers. */
	if (kvm_call(m->vm_fd, KVM_CREATE_IRQCHIP, 0))
		setup_fail(errno, "KVM_CREATE_IRQCHIP");
	msr_filter_set(kvm_fd, m->vm_fd);
}

bool arch_handle_exit(struct kvm_run *run)
{
	if (run->exit_reason != KVM_EXIT_IO)
		return false;
	/*
	 * No device has ports. A read gives ones, as on a bus without a device. The data lies in the
	 * shared page at an offset that KVM, not the guest, wrote.
	 */
	if (run->io.direction == KVM_EXIT_IO_IN)
		memset((uint8_t *)run + run->io.data_offset, 0xff,
		       (size_t)run->io.size * run->io.count);
	return true;
}
