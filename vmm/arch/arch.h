/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between architectures. Each has a folder; the Makefile builds the one of the machine.
 * All functions run on the main thread, before confinement; errors end in setup_fail().
 */
#ifndef NACRE_VMM_ARCH_H
#define NACRE_VMM_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../machine.h"

/* Where a device lies; `index` counts devices in the order of machine.dev. */
uint64_t arch_mmio_base(unsigned int index);
uint32_t arch_irq_line(unsigned int index); /* the GSI for KVM_IRQFD */

/* Region of guest memory that holds the kernel's log (klog.h), not usable as RAM by the guest. */
uint64_t arch_klog_base(void);
uint32_t arch_klog_size(void);

/* Fills regions (base and size, not hva) for so many bytes of memory. */
void arch_memory_layout(struct gmem *mem, uint64_t bytes);

/* Interrupt controllers and what else must exist before vCPUs. */
void arch_create_vm(const struct machine *m, int kvm_fd);

/* What must exist after all vCPUs were created and before they run. */
void arch_setup_vcpus(const struct machine *m, int kvm_fd);

/* What lies where in guest memory, once it is loaded. */
struct arch_images {
	uint64_t entry; /* of the kernel */
	uint64_t initramfs, initramfs_size;
};

/*
 * Loads the kernel (ELF or Image) and the initramfs that holds nacre-init. Needs guest memory and
 * nothing of KVM: any thread.
 */
void arch_load(const struct machine *m, int kernel_fd, int init_fd, struct arch_images *images);

/*
 * Writes the tables that the kernel boots from and sets the first vCPU to its entry. `cmdline` is added
 * to what the architecture itself needs on the command line.
 */
void arch_set_boot(const struct machine *m, const struct arch_images *images, const char *cmdline);

/*
 * What a processor is to the guest, in a number that is another where that is. Before vCPUs or after. Main
 * thread.
 */
uint64_t arch_cpu_digest(const struct machine *m, int kvm_fd);

/* Whether KVM can set all of the state that follows. Main thread. */
bool arch_can_copy(int kvm_fd);

/* Bytes of the state that follows. */
size_t arch_state_size(const struct machine *m);

/* Finds out what there will be to save. Main thread. */
void arch_state_init(const struct machine *m, int kvm_fd);

/*
 * Whether every vCPU waits for an interrupt, and nothing that it began is unfinished. All are out of
 * KVM_RUN. Device thread, under FILTER_TEMPLATE, as the next.
 */
bool arch_cpus_sleep(const struct machine *m);

/* Reads processors, interrupt controllers and clock: arch_state_size() bytes. 0 or -errno. */
int arch_state_save(const struct machine *m, void *state);

/* Sets them, in vCPUs that have not run. Main thread. */
void arch_state_restore(const struct machine *m, void *state);

/* One exit that vcpu.c does not know, by its KVM_EXIT_* number; true when the vCPU may go on. */
struct kvm_run;
bool arch_handle_exit(struct kvm_run *run);

#endif
