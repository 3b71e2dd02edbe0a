/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of the leaf as systemd knows them. It writes the files of a unit's controllers again at a
 * daemon-reload, delegated or not: limits that it does not know are gone then. Limits of single disks
 * (io.max) it leaves alone.
 */
#include <stdlib.h>
#include <string.h>

#include "cgroup_parts.h"
#include "cpuset.h"

/* systemd keeps a quota as a percentage of one processor: its second in steps of this. */
#define QUOTA_STEP_US 10000u
#define SECOND_US     UINT64_C(1000000)

ARENA_LIST_ADD(add_slot, struct cgroup_properties, struct cgroup_property)

enum kind { NUMBER, IDLE, QUOTA, LIST };

static const struct {
	const char *file, *property;
	enum kind kind;
} rows[] = {
	{ "memory.max", "MemoryMax", NUMBER },
	{ "memory.swap.max", "MemorySwapMax", NUMBER },
	{ "memory.low", "MemoryLow", NUMBER },
	{ "pids.max", "TasksMax", NUMBER },
	{ "cpu.weight", "CPUWeight", NUMBER },
	{ "cpu.idle", "CPUWeight", IDLE },
	{ "cpu.max", "CPUQuotaPerSecUSec", QUOTA },
	{ "cpuset.cpus", "AllowedCPUs", LIST },
	{ "cpuset.mems", "AllowedMemoryNodes", LIST },
	{ "io.weight", "IOWeight", NUMBER },
};

/* "max" is UINT64_MAX; false for what is no number. io.weight has a word before its number. */
static bool number_read(const char *value, uint64_t *number)
{
	static const char word[] = "default ";
	char *end;

	if (strncmp(value, word, sizeof(word) - 1) == 0)
		value += sizeof(word) - 1;
	if (strcmp(value, "max") == 0) {
		*number = UINT64_MAX;
		return true;
	}
	*number = strtoull(value, &end, 10);
	return end > value && *end == '\0';
}

/* Since systemd 252 an idle group is one of the weight 0; none is the default. */
static uint64_t idle_weight(uint64_t idle)
{
	return idle ? 0 : UINT64_MAX;
}

bool cgroup_properties_drop_idle(struct cgroup_properties *properties)
{
	size_t n = 0;
	bool is_found;

	for (size_t i = 0; i < properties->n; i++) {
		const struct cgroup_property *property = &properties->v[i];

		if (strcmp(property->name, "CPUWeight") != 0 || property->number != idle_weight(1))
			properties->v[n++] = *property;
	}
	is_found = n < properties->n;
	properties->n = n;
	return is_found;
}

/* "QUOTA PERIOD", microseconds. */
static void add_quota(struct cgroup_properties *properties, const char *name, const char *value,
		      struct arena *arena)
{
	char *end;
	uint64_t quota = strtoull(value, &end, 10), period, second = UINT64_MAX;
	bool is_max = strncmp(value, "max", 3) == 0;

	period = strtoull(is_max ? value + 3 : end, NULL, 10);
	/* config_check() has bounded both; a value of "unified" may be anything */
	if (period == 0 || period > SECOND_US || (!is_max && quota > UINT64_MAX / SECOND_US - 1))
		return;
	if (!is_max)
		second = (quota * SECOND_US / period + QUOTA_STEP_US - 1) / QUOTA_STEP_US *
			 QUOTA_STEP_US;
	*add_slot(arena, properties) =
		(struct cgroup_property){ .name = "CPUQuotaPeriodUSec", .number = period };
	*add_slot(arena, properties) = (struct cgroup_property){ .name = name, .number = second };
}

static void add_list(struct cgroup_properties *properties, const char *name, const char *value,
		     struct arena *arena)
{
	uint8_t *bits = arena_take(arena, CPUSET_BYTES);
	int n = cpuset_bits(value, bits);

	if (n > 0)
		*add_slot(arena, properties) = (struct cgroup_property){
			.name = name, .bytes = bits, .n_bytes = (size_t)n,
		};
}

void cgroup_properties_of(struct cgroup_properties *properties, const struct cgroup_limits *limits,
			  struct arena *arena)
{
	for (size_t i = 0; i < limits->n; i++) {
		const char *value = limits->v[i].value;
		uint64_t number;
		size_t row = 0;

		while (row < sizeof(rows) / sizeof(rows[0]) &&
		       strcmp(rows[row].file, limits->v[i].file) != 0)
			row++;
		if (row == sizeof(rows) / sizeof(rows[0]))
			continue;
		if (rows[row].kind == QUOTA)
			add_quota(properties, rows[row].property, value, arena);
		else if (rows[row].kind == LIST)
			add_list(properties, rows[row].property, value, arena);
		else if (number_read(value, &number))
			*add_slot(arena, properties) = (struct cgroup_property){
				.name = rows[row].property,
				.number = rows[row].kind == IDLE ? idle_weight(number) : number,
			};
	}
}
