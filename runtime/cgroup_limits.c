/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of the host's leaf cgroup; see cgroup.h. Memory, processors and processes are limited inside
 * the guest as config.json asks; here the same holds for whoever has broken out of it. What concerns
 * the host's own processors and disks acts here only.
 */
#include <inttypes.h>
#include <string.h>

#include "cgroup_parts.h"

/*
 * Helpers: nacre-vmm, nacre-fsd, monitors, and what the host's kernel keeps for them. Page tables of
 * guest memory, twice, are at most 1/256 of it; the page cache of the container's files gives way.
 */
#define HELPERS_BYTES	     (UINT64_C(64) << 20)
#define PAGE_TABLES_FRACTION 128u
/* Threads of a VMM of 32 processors, the broker's, and of a hundred monitors of exec sessions. */
#define PIDS_MAX "1024"

ARENA_LIST_ADD(add_slot, struct cgroup_limits, struct cgroup_limit)

static void add(struct cgroup_limits *limits, struct arena *arena, const char *file,
		const char *value, const char *field)
{
	*add_slot(arena, limits) = (struct cgroup_limit){ .file = file, .value = value,
							  .field = field };
}

uint64_t cgroup_memory_max(const struct vm_size *size)
{
	return size->memory + size->memory / PAGE_TABLES_FRACTION + HELPERS_BYTES;
}

/* Guest memory is swapped out only if config.json allows the container to swap. */
static const char *swap_max(const struct config_resources *resources, struct arena *arena)
{
	if (resources->memory_swap < 0)
		return "max";
	if (resources->memory_swap > 0 && resources->memory_limit > 0)
		return arena_printf(arena, "%" PRId64,
				    resources->memory_swap - resources->memory_limit);
	return "0";
}

static void add_memory(struct cgroup_limits *limits, const struct config_resources *resources,
		       const struct vm_size *size, struct arena *arena)
{
	add(limits, arena, "memory.max", arena_printf(arena, "%" PRIu64, cgroup_memory_max(size)),
	    NULL);
	add(limits, arena, "memory.swap.max", swap_max(resources, arena), NULL);
	if (resources->memory_reservation > 0)
		add(limits, arena, "memory.low",
		    arena_printf(arena, "%" PRId64, resources->memory_reservation), NULL);
	else if (resources->memory_reservation < 0)
		add(limits, arena, "memory.low", "max", NULL);
	/* without its files or its monitor a VM is of no use: all end, or none */
	add(limits, arena, "memory.oom.group", "1", NULL);
}

/* Who is alone in the guest shares its processors with nobody but on the host. */
static bool is_share(const char *file)
{
	return strcmp(file, "cpu.weight") == 0 || strcmp(file, "cpu.weight.nice") == 0 ||
	       strcmp(file, "cpu.idle") == 0;
}

static void add_cpu(struct cgroup_limits *limits, const struct config_resources *resources,
		    struct arena *arena)
{
	/* the kernel takes no quota below the burst */
	if (resources->cpu_burst == 0)
		add(limits, arena, "cpu.max.burst", "0", NULL);
	if (resources->cpu_quota > 0)
		add(limits, arena, "cpu.max",
		    arena_printf(arena, "%" PRId64 " %" PRIu64, resources->cpu_quota,
				 resources->cpu_period), NULL);
	else if (resources->cpu_quota < 0)
		add(limits, arena, "cpu.max",
		    arena_printf(arena, "max %" PRIu64, resources->cpu_period), NULL);
	if (resources->cpu_burst > 0)
		add(limits, arena, "cpu.max.burst",
		    arena_printf(arena, "%" PRId64, resources->cpu_burst), NULL);
	/* the kernel takes no weight of a group that is idle */
	if (resources->cpu_idle == 0)
		add(limits, arena, "cpu.idle", "0", NULL);
	if (resources->cpu_shares > 0)
		add(limits, arena, "cpu.weight",
		    arena_printf(arena, "%" PRIu64, config_cpu_weight(resources->cpu_shares)),
		    NULL);
	if (resources->cpu_idle > 0)
		add(limits, arena, "cpu.idle", "1", NULL);
	for (size_t i = 0; i < resources->unified.n; i++) {
		const struct config_pair *pair = &resources->unified.v[i];

		if (is_share(pair->name))
			add(limits, arena, pair->name, pair->value, NULL);
	}
	if (resources->cpuset_cpus)
		add(limits, arena, "cpuset.cpus", resources->cpuset_cpus,
		    "linux.resources.cpu.cpus");
	if (resources->cpuset_mems)
		add(limits, arena, "cpuset.mems", resources->cpuset_mems,
		    "linux.resources.cpu.mems");
}

void cgroup_limits_of(struct cgroup_limits *limits, const struct container_config *config,
		      const struct vm_size *size, struct arena *arena)
{
	const struct config_resources *resources = &config->resources;

	add_memory(limits, resources, size, arena);
	add(limits, arena, "pids.max", PIDS_MAX, NULL);
	add_cpu(limits, resources, arena);
	for (size_t i = 0; i < resources->host_files.n; i++)
		add(limits, arena, resources->host_files.v[i].name, resources->host_files.v[i].value,
		    resources->host_files.v[i].field);
}
