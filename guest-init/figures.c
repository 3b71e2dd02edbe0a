/* SPDX-License-Identifier: Apache-2.0 */
/* Figures; see figures.h. Names: kernel 6.1 Documentation/admin-guide/cgroup-v2.rst. */
#include "figures.h"

#include <stddef.h>

#include "cgroup.h"

/* Where each figure is; without a key the file is one number. */
static const struct {
	const char *file, *key;
} rows[] = {
	[FIGURE_CPU_USAGE] = { "cpu.stat", "usage_usec" },
	[FIGURE_CPU_USER] = { "cpu.stat", "user_usec" },
	[FIGURE_CPU_SYSTEM] = { "cpu.stat", "system_usec" },
	[FIGURE_CPU_PERIODS] = { "cpu.stat", "nr_periods" },
	[FIGURE_CPU_THROTTLED_PERIODS] = { "cpu.stat", "nr_throttled" },
	[FIGURE_CPU_THROTTLED] = { "cpu.stat", "throttled_usec" },
	[FIGURE_MEMORY] = { "memory.current", NULL },
	[FIGURE_MEMORY_LIMIT] = { "memory.max", NULL },
	[FIGURE_MEMORY_PEAK] = { "memory.peak", NULL },
	[FIGURE_MEMORY_FAILURES] = { "memory.events", "max" },
	[FIGURE_OOM_KILLS] = { "memory.events", "oom_kill" },
	[FIGURE_SWAP] = { "memory.swap.current", NULL },
	[FIGURE_SWAP_LIMIT] = { "memory.swap.max", NULL },
	[FIGURE_PIDS] = { "pids.current", NULL },
	[FIGURE_PIDS_LIMIT] = { "pids.max", NULL },
	[FIGURE_ANON] = { "memory.stat", "anon" },
	[FIGURE_FILE] = { "memory.stat", "file" },
	[FIGURE_KERNEL_STACK] = { "memory.stat", "kernel_stack" },
	[FIGURE_SLAB] = { "memory.stat", "slab" },
	[FIGURE_SOCK] = { "memory.stat", "sock" },
	[FIGURE_SHMEM] = { "memory.stat", "shmem" },
	[FIGURE_FILE_MAPPED] = { "memory.stat", "file_mapped" },
	[FIGURE_FILE_DIRTY] = { "memory.stat", "file_dirty" },
	[FIGURE_FILE_WRITEBACK] = { "memory.stat", "file_writeback" },
	[FIGURE_INACTIVE_ANON] = { "memory.stat", "inactive_anon" },
	[FIGURE_ACTIVE_ANON] = { "memory.stat", "active_anon" },
	[FIGURE_INACTIVE_FILE] = { "memory.stat", "inactive_file" },
	[FIGURE_ACTIVE_FILE] = { "memory.stat", "active_file" },
	[FIGURE_UNEVICTABLE] = { "memory.stat", "unevictable" },
	[FIGURE_PGFAULT] = { "memory.stat", "pgfault" },
	[FIGURE_PGMAJFAULT] = { "memory.stat", "pgmajfault" },
};
static_assert(sizeof(rows) / sizeof(rows[0]) == FIGURE_COUNT, "a row for each figure");

void figures_read(int cgroup, struct le64 figures[FIGURE_COUNT])
{
	for (unsigned int i = 0; i < FIGURE_COUNT; i++)
		figures[i] = le64_of(cgroup_number(cgroup, rows[i].file, rows[i].key));
}
