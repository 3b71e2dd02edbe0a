/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU threads: KVM_RUN, register accesses of virtio-mmio, nothing else. A thread never touches
 * a file and never allocates; its only system calls are ioctl(KVM_RUN), write to eventfds, futex.
 */
#ifndef NACRE_VMM_VCPU_H
#define NACRE_VMM_VCPU_H

#include "machine.h"

/* Maps the kvm_run pages. Errors end in setup_fail(). Main thread. */
void vcpu_map(struct machine *m, int kvm_fd);

/*
 * Starts a thread per vCPU, each confined by its filter first of all. Errors end in setup_fail(). Main
 * thread, after privileges were dropped.
 */
void vcpu_start_all(void);

#endif
