/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VM as KVM knows it (Linux Documentation/virt/kvm/api.rst). Main thread, before confinement;
 * errors end in setup_fail().
 */
#ifndef NACRE_VMM_KVM_H
#define NACRE_VMM_KVM_H

#include <semaphore.h>
#include <stdbool.h>

#include "machine.h"

/* Guest memory: private, anonymous, huge pages by madvise. KVM knows nothing of it yet. */
void kvm_map_memory(struct machine *m);

/*
 * KVM_CREATE_VM, with that memory. With a `place_fd` its end is left to the kernel where that can be, and
 * it is made in the cgroup of `cgroup_fd`, unless that is -1 (kvm_apart.h). `asked` is posted as KVM is asked for it.
 */
void kvm_create(struct machine *m, int kvm_fd, int cgroup_fd, int place_fd, sem_t *asked);

/* KVM_CREATE_VCPU for all of them. */
void kvm_create_vcpus(struct machine *m);

/*
 * Closes the devices' interrupt eventfds, one after the other, before the process ends: KVM waits for a
 * grace period for each. By a trace of the host's kernel one alone is expedited, and those of all at
 * once, as the end of the process has it, wait for ticks of the clock; the gain was not
 * measured. Not of a VM whose end is left to the kernel, where nobody waits. Device thread; no interrupt is sent any
 * more.
 */
void kvm_release_interrupts(const struct machine *m);

/* Binds every device's eventfds: queue notifications by KVM_IOEVENTFD, the interrupt by KVM_IRQFD. */
void kvm_bind_devices(const struct machine *m);

#endif
