/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bound on the VMs of a user whose end is left to the kernel (vmm/kvm_apart.h). The kernel closes them one after
 * the other, so where more end than it can close they would add up. Each holds a place from before it is made
 * until the kernel closes it; who finds none waits for the end of its VM.
 *
 * A place is a byte of a file beside the default ROOT, locked by an open file description (fcntl(2), "Open file
 * description locks") that goes the way of the VM: nobody has to be alive to give it back.
 */
#ifndef NACRE_RUNTIME_VM_ENDS_H
#define NACRE_RUNTIME_VM_ENDS_H

#define VM_ENDS_MAX 256

/*
 * Takes a place in the file `.ends` of directory `all` (state_roots.h), which is there. A descriptor that holds it
 * until its last copy is closed, or -errno: -EAGAIN when all are taken.
 */
int vm_ends_take(const char *all);

#endif
