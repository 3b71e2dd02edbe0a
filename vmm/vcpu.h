/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU threads: KVM_RUN, register accesses of virtio-mmio, nothing else. A thread never touches
 * a file and never allocates; its only system calls are ioctl(KVM_RUN), write to eventfds, futex, and
 * after a pause ioctl(KVM_KVMCLOCK_CTRL).
 */
#ifndef NACRE_VMM_VCPU_H
#define NACRE_VMM_VCPU_H

#include <stdbool.h>

#include "machine.h"

/*
 * The descriptor that is readable when every vCPU has stopped after vcpu_pause(); made by the first
 * call. -errno. Main thread.
 */
int vcpu_parked_fd(void);

/*
 * Makes every vCPU leave KVM_RUN and stay out of it. Nothing is waited for: vcpu_parked_fd() tells.
 * Device thread.
 */
void vcpu_pause(void);

/* Takes note of vcpu_parked_fd(). True while the VM is paused and every vCPU has stopped. Device thread. */
bool vcpu_note_parked(void);

/* Lets them run again. Does nothing to a VM that is not paused. Device thread. */
void vcpu_resume(void);

/* Maps the kvm_run pages. Errors end in setup_fail(). Main thread. */
void vcpu_map(struct machine *m, int kvm_fd);

/*
 * Starts a thread per vCPU, each confined by its filter first of all. Errors end in setup_fail(). Main
 * thread, after privileges were dropped.
 */
void vcpu_start_all(void);

#endif
