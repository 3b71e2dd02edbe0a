/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the host's CPUID the guest sees: an allowlist, so that what a newer processor or KVM adds
 * stays away until somebody has looked at it. No virtualisation extensions (nested guests are a second
 * hypervisor's worth of KVM code), no performance counters (they tell about the host's other work).
 */
#ifndef NACRE_VMM_CPUID_H
#define NACRE_VMM_CPUID_H

#include <linux/kvm.h>
#include <stdint.h>

/*
 * Changes what KVM_GET_SUPPORTED_CPUID gave (entry[0 .. *n)) into what vCPU `cpu` of `n_cpus` gets:
 * leaves without a rule are removed, bits without one cleared, the topology is the VM's own. *n is the
 * new number. Pure; before confinement.
 */
void cpuid_filter(struct kvm_cpuid_entry2 *entry, uint32_t *n, unsigned int cpu,
		  unsigned int n_cpus);

#endif
