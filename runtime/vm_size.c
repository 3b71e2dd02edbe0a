/* SPDX-License-Identifier: Apache-2.0 */
/* How large the VM of a container is; see vm_size.h. */
#include "cpuset.h"
#include "size.h"
#include "vm_size.h"

#define MEMORY_DEFAULT_MAX (2 * GIB)
#define CPUS_DEFAULT_MAX   4u

static uint64_t memory_of(const struct config_resources *resources, uint64_t host_memory)
{
	uint64_t memory = host_memory / 2;

	/* config_check() has bounded the limit: this cannot wrap */
	if (resources->memory_limit > 0)
		memory = (uint64_t)resources->memory_limit + VM_OVERHEAD_BYTES;
	else if (memory > MEMORY_DEFAULT_MAX)
		memory = MEMORY_DEFAULT_MAX;
	else if (memory < CONFIG_MEMORY_MIN)
		memory = CONFIG_MEMORY_MIN;
	memory = (memory + MIB - 1) / MIB * MIB;
	/* the largest VM there is: a container with nearly as much pays the overhead itself */
	return memory < CONFIG_MEMORY_MAX ? memory : CONFIG_MEMORY_MAX;
}

static uint32_t cpus_of(const struct container_config *config, uint32_t host_cpus)
{
	const struct config_resources *resources = &config->resources;

	if (config->cpus > 0)
		return config->cpus;
	if (resources->cpu_quota > 0)
		return (uint32_t)(((uint64_t)resources->cpu_quota + resources->cpu_period - 1) /
				  resources->cpu_period);
	if (resources->cpuset_cpus) {
		int in_set = cpuset_count(resources->cpuset_cpus);

		return in_set < (int)CONFIG_CPUS_MAX ? (uint32_t)in_set : CONFIG_CPUS_MAX;
	}
	if (host_cpus == 0)
		return 1;
	return host_cpus < CPUS_DEFAULT_MAX ? host_cpus : CPUS_DEFAULT_MAX;
}

struct vm_size vm_size_of(const struct container_config *config, uint64_t host_memory,
			  uint32_t host_cpus)
{
	return (struct vm_size){
		.memory = memory_of(&config->resources, host_memory),
		.cpus = cpus_of(config, host_cpus),
	};
}
