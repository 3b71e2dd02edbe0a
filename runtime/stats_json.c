/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as JSON; see stats_json.h. The names are those of runc's types/events.go. */
#include <string.h>

#include <jansson.h>

#include "proto.h"
#include "stats_json.h"

#define US_IN_NS 1000u

/* Names of cgroup v2's memory.stat, for "raw". */
static const struct {
	const char *name;
	enum figure figure;
} raw[] = {
	{ "anon", FIGURE_ANON },
	{ "file", FIGURE_FILE },
	{ "kernel_stack", FIGURE_KERNEL_STACK },
	{ "slab", FIGURE_SLAB },
	{ "sock", FIGURE_SOCK },
	{ "shmem", FIGURE_SHMEM },
	{ "file_mapped", FIGURE_FILE_MAPPED },
	{ "file_dirty", FIGURE_FILE_DIRTY },
	{ "file_writeback", FIGURE_FILE_WRITEBACK },
	{ "inactive_anon", FIGURE_INACTIVE_ANON },
	{ "active_anon", FIGURE_ACTIVE_ANON },
	{ "inactive_file", FIGURE_INACTIVE_FILE },
	{ "active_file", FIGURE_ACTIVE_FILE },
	{ "unevictable", FIGURE_UNEVICTABLE },
	{ "pgfault", FIGURE_PGFAULT },
	{ "pgmajfault", FIGURE_PGMAJFAULT },
};

/* jansson has no unsigned 64-bit integers; what is larger is as good as no limit. */
static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *cpu(const uint64_t *f)
{
	return json_pack("{s:{s:o, s:o, s:o}, s:{s:o, s:o, s:o}}",
			 "usage", "total", number(f[FIGURE_CPU_USAGE] * US_IN_NS), "kernel",
			 number(f[FIGURE_CPU_SYSTEM] * US_IN_NS), "user",
			 number(f[FIGURE_CPU_USER] * US_IN_NS),
			 "throttling", "periods", number(f[FIGURE_CPU_PERIODS]), "throttledPeriods",
			 number(f[FIGURE_CPU_THROTTLED_PERIODS]), "throttledTime",
			 number(f[FIGURE_CPU_THROTTLED] * US_IN_NS));
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* "swap" is memory and swap, as in runc: cgroup v2 counts them apart. */
static json_t *memory(const uint64_t *f)
{
	json_t *lines = json_object();

	for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++)
		json_object_set_new(lines, raw[i].name, number(f[raw[i].figure]));
	return json_pack("{s:o, s:{s:o, s:o, s:o, s:o}, s:{s:o, s:o, s:i}, s:{s:i}, s:{s:i}, s:o}",
			 "cache", number(f[FIGURE_FILE]),
			 "usage", "limit", number(f[FIGURE_MEMORY_LIMIT]), "usage",
			 number(f[FIGURE_MEMORY]), "max", number(f[FIGURE_MEMORY_PEAK]), "failcnt",
			 number(f[FIGURE_MEMORY_FAILURES]),
			 "swap", "limit", number(sum(f[FIGURE_MEMORY_LIMIT], f[FIGURE_SWAP_LIMIT])),
			 "usage", number(sum(f[FIGURE_MEMORY], f[FIGURE_SWAP])), "failcnt", 0,
			 "kernel", "failcnt", 0, "kernelTCP", "failcnt", 0, "raw", lines);
}

/* No limit is 0 in runc's figures of pids. */
static json_t *pids(const uint64_t *f)
{
	uint64_t limit = f[FIGURE_PIDS_LIMIT];

	return json_pack("{s:o, s:o}", "current", number(f[FIGURE_PIDS]), "limit",
			 number(limit == UINT64_MAX ? 0 : limit));
}

json_t *event_as_json(const char *id, const char *type)
{
	return json_pack("{s:s, s:s}", "type", type, "id", id);
}

json_t *stats_as_json(const char *id, const uint8_t *figures, size_t len)
{
	uint64_t f[FIGURE_COUNT];
	json_t *event;

	if (len != FIGURE_COUNT * sizeof(struct le64))
		return NULL;
	for (size_t i = 0; i < FIGURE_COUNT; i++) {
		struct le64 wire;

		memcpy(&wire, figures + i * sizeof(wire), sizeof(wire));
		f[i] = le64_get(wire);
	}
	event = event_as_json(id, "stats");
	json_object_set_new(event, "data",
			    json_pack("{s:o, s:o, s:o, s:{}, s:{}, s:{}, s:n}", "cpu", cpu(f),
				      "memory", memory(f), "pids", pids(f), "blkio", "hugetlb",
				      "intel_rdt", "network_interfaces"));
	return event;
}
