/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU threads: KVM_RUN, register accesses of virtio-mmio, nothing else. A thread never touches
 * a file and never allocates; its only system calls are ioctl(KVM_RUN), write to eventfds, futex.
 */
#ifndef NACRE_VMM_VCPU_H
#define NACRE_VMM_VCPU_H

#include "machine.h"

/* Maps the kvm_run pages and starts a thread per vCPU. Errors end in setup_fail(). Main thread. */
void vcpu_start_all(struct machine *m, int kvm_fd_for_mmap_size);

#endif
