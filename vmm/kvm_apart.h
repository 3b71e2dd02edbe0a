/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM whose end nobody waits for.
 *
 * What KVM does as a VM's last descriptor is closed waits for grace periods of RCU, some 20 ms in which
 * nothing of the VM is left but the process that closes it: its worker goes back to the cgroup that it
 * came from, and callbacks are run out (Linux virt/kvm/kvm_main.c kvm_vm_worker_thread(),
 * arch/x86/kvm/mmu/tdp_mmu.c). So the last reference is one of the kernel's own, dropped by a worker of its
 * after the VMM has ended; and as KVM's worker keeps the cgroup busy in which the VM was made, it is
 * made in the caller's and not in the container's, which is removed as soon as the VMM has ended.
 *
 * Main thread, before confinement. Where a host has it otherwise (no io_uring, no right in the cgroup) the
 * end is waited for, as if nobody had asked.
 */
#ifndef NACRE_VMM_KVM_APART_H
#define NACRE_VMM_KVM_APART_H

#include <semaphore.h>
#include <stdbool.h>

/*
 * KVM_CREATE_VM by this process, in its own cgroup. Posts `asked` just before. The VM's descriptor, or -errno.
 */
int kvm_create_here(int kvm_fd, sem_t *asked);

/* An io_uring that takes no request, to hold the last reference: a descriptor, or -errno. */
int kvm_apart_begin(void);

/*
 * The same by a process that is in the cgroup of this descriptor, and shares memory and descriptors
 * with this one: the VM is ours (api.rst: a VM's ioctls belong to the address space that made it). The VM's
 * descriptor, or -errno. SIGCHLD is ignored from then on: nobody waits for that process, of which a thread of
 * KVM's may be left (Linux 6.13).
 */
int kvm_create_in(int kvm_fd, int cgroup_fd, sem_t *asked);

/*
 * Leaves the last reference to the kernel, and one of place_fd beside it, which goes as the VM does: by the locks
 * that such descriptors hold nacre knows how many VMs the kernel has still to close. Closes the ring's
 * descriptor: it is held by a mapping, until this process' memory goes, which is before its descriptors are
 * closed. The ring lets go of what it holds a grace period later. False where the kernel holds nothing.
 */
bool kvm_apart_end(int ring_fd, int vm_fd, int place_fd);

#endif
