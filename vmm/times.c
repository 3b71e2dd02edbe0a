/* SPDX-License-Identifier: Apache-2.0 */
/* Times and exits. See times.h. */
#include "times.h"

#include <stdatomic.h>
#include <time.h>

#include "machine.h"

/* A line of the cache for each, so that counting costs the processors no traffic. */
struct counters {
	_Alignas(64) atomic_uint_fast64_t exits[VM_EXIT_KIND_COUNT];
};

static struct counters counters[MACHINE_MAX_CPUS];
static uint64_t stamps[VM_STAMP_COUNT];
static uint64_t before_connected;

void times_stamp(enum vm_stamp stamp)
{
	struct timespec now;

	if (stamps[stamp])
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	stamps[stamp] = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void times_exit(unsigned int cpu, enum vm_exit_kind kind)
{
	atomic_uint_fast64_t *count = &counters[cpu].exits[kind];

	/* one writer each: no locked addition is needed */
	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static uint64_t sum(enum vm_exit_kind kind)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < MACHINE_MAX_CPUS; i++)
		n += atomic_load_explicit(&counters[i].exits[kind], memory_order_relaxed);
	return n;
}

void times_connected(void)
{
	if (stamps[VM_STAMP_CONNECTED])
		return;
	times_stamp(VM_STAMP_CONNECTED);
	for (unsigned int kind = 0; kind < VM_EXIT_KIND_COUNT; kind++)
		before_connected += sum(kind);
}

void times_record(struct vm_times *record)
{
	for (unsigned int i = 0; i < VM_STAMP_COUNT; i++)
		record->stamp[i] = le64_of(stamps[i]);
	for (unsigned int kind = 0; kind < VM_EXIT_KIND_COUNT; kind++)
		record->exits[kind] = le64_of(sum(kind));
	record->exits_before_connected = le64_of(before_connected);
}
