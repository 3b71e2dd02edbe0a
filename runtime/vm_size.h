/* SPDX-License-Identifier: Apache-2.0 */
/* How large the VM of a container is. */
#ifndef NACRE_RUNTIME_VM_SIZE_H
#define NACRE_RUNTIME_VM_SIZE_H

#include "config.h"

/*
 * What the guest's kernel and nacre-init take besides the container: added to the container's
 * limit. The helpers come on top of it on the host (cgroup_limits.c).
 */
#define VM_OVERHEAD_BYTES (UINT64_C(64) << 20)

struct vm_size {
	uint64_t memory; /* bytes, a multiple of 1 MiB */
	uint32_t cpus;
};

/*
 * Sizes the VM by the container's limits, else by the host: `host_memory` bytes, `host_cpus`
 * processors (interface "Size of the VM").
 */
struct vm_size vm_size_of(const struct container_config *config, uint64_t host_memory,
			  uint32_t host_cpus);

#endif
