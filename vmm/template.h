/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates (include/vmtemplate.h): a machine is saved to a file, and others begin as its copies, whose memory
 * is the file's pages until they write to them.
 *
 * What is saved: guest memory, the vCPUs and interrupt controllers, and of each device the transport and
 * its queues. Devices have next to no state of their own at that point: no connection of vsock was taken, no
 * FUSE session was begun, no network interface is up. The guest's first packet still lies in its queue, and
 * the copy's device finds it there.
 *
 * The file was made by this program for the same user; what it says is checked all the same, and one that
 * does not fit the machine is not used.
 */
#ifndef NACRE_VMM_TEMPLATE_H
#define NACRE_VMM_TEMPLATE_H

#include <stdbool.h>

#include "machine.h"

/*
 * Saving. Everything that needs /dev/kvm or memory. Main thread, before confinement; errors end in
 * setup_fail().
 */
void template_save_init(struct machine *m, int kvm_fd, int fd);

/*
 * The guest has called: saves the machine once all of its processors sleep, and ends the process,
 * VM_END_TEMPLATE. Device thread, under FILTER_TEMPLATE.
 */
void template_save_begin(void);

/*
 * Using. Reads what the file says of the machine, which is to have n_devs devices. False when it is of another
 * one than this (processors, memory, devices): boot then. `note_fd`: the same file for writing, where this
 * machine is to note its hot pages (template_hot.h); or -1. Main thread, before confinement.
 */
bool template_open(const struct machine *m, unsigned int n_devs, int kvm_fd, int fd, int note_fd);

/*
 * Maps the template's pages over guest memory. Needs nothing of KVM: any thread. Errors end in
 * setup_fail().
 */
void template_map(const struct machine *m);

/* Sets processors and devices as they were. Main thread, before they run; errors end in setup_fail(). */
void template_restore(struct machine *m);

#endif
