/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which model-specific registers the guest reaches: an allowlist given to KVM, which answers every
 * other access with #GP before its own code for the register runs.
 */
#ifndef NACRE_VMM_MSR_H
#define NACRE_VMM_MSR_H

#include <stdbool.h>
#include <stdint.h>

/* Gives the list to KVM, and turns its performance counters off. Before vCPUs; errors are setup_fail(). */
void msr_filter_set(int kvm_fd, int vm_fd);

/* True when a guest may read and write the register, as far as KVM knows it. For tests and reports. */
bool msr_is_allowed(uint32_t msr);

#endif
