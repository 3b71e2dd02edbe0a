/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json "linux.resources.blockIO" (OCI runtime-spec 1.2 config-linux.md "Block IO"): the VM has
 * no disk of the host's, so the host's cgroup carries it out. Each value becomes a line for a file of
 * cgroup v2, which config.json names in the words of cgroup v1.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "config_parts.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))

struct device_json {
	int64_t major, minor;
	uint64_t rate;
	int64_t weight;
};

static void add_line(struct json_reader *reader, const char *file, const char *value,
		     const char *field)
{
	struct container_config *config = reader->config;

	*config_add_host_file(reader->arena, &config->resources.host_files) =
		(struct config_host_file){ .name = file, .value = value, .field = field };
}

/* 10 to 1000 in cgroup v1 is 1 to 10000 in v2, on the straight line of runc and crun. */
static int64_t weight_of(int64_t weight)
{
	return 1 + (weight - 10) * 9999 / 990;
}

static int read_weight(struct json_reader *reader, json_t *value, void *to)
{
	int64_t weight;
	int err = json_read_int(reader, value, 0, 1000, &weight);

	(void)to;
	if (err || weight == 0) /* 0: not given */
		return err;
	if (weight < 10)
		return json_refuse(reader, "%" PRId64 ": expected 10 to 1000", weight);
	add_line(reader, "io.weight", arena_printf(reader->arena, "default %" PRId64,
						   weight_of(weight)),
		 "linux.resources.blockIO.weight");
	return 0;
}

static int read_weight_device(struct json_reader *reader, json_t *value, void *to)
{
	struct device_json read = { .weight = 0 };
	static const struct json_member table[] = {
		{ .name = "major", .kind = JSON_KIND_INT64, .required = true, .max = UINT32_MAX,
		  .offset = offsetof(struct device_json, major) },
		{ .name = "minor", .kind = JSON_KIND_INT64, .required = true, .max = UINT32_MAX,
		  .offset = offsetof(struct device_json, minor) },
		{ .name = "weight", .kind = JSON_KIND_INT64, .min = 10, .max = 1000,
		  .required = true, .offset = offsetof(struct device_json, weight) },
		{ .name = "leafWeight", .kind = JSON_KIND_REFUSED, .why = "not in cgroup v2" },
	};
	int err = json_read_object(reader, value, table, N(table), &read);

	(void)to;
	if (!err)
		add_line(reader, "io.weight",
			 arena_printf(reader->arena, "%" PRId64 ":%" PRId64 " %" PRId64, read.major,
				      read.minor, weight_of(read.weight)),
			 "linux.resources.blockIO.weightDevice");
	return err;
}

/* One line of io.max; `key` is the cgroup's word, `field` config.json's. */
static int read_throttle(struct json_reader *reader, json_t *value, const char *key,
			 const char *field)
{
	struct device_json read = { .rate = 0 };
	static const struct json_member table[] = {
		{ .name = "major", .kind = JSON_KIND_INT64, .required = true, .max = UINT32_MAX,
		  .offset = offsetof(struct device_json, major) },
		{ .name = "minor", .kind = JSON_KIND_INT64, .required = true, .max = UINT32_MAX,
		  .offset = offsetof(struct device_json, minor) },
		{ .name = "rate", .kind = JSON_KIND_UINT64, .required = true,
		  .offset = offsetof(struct device_json, rate) },
	};
	int err = json_read_object(reader, value, table, N(table), &read);

	if (err)
		return err;
	if (read.rate > 0)
		add_line(reader, "io.max",
			 arena_printf(reader->arena, "%" PRId64 ":%" PRId64 " %s=%" PRIu64,
				      read.major, read.minor, key, read.rate), field);
	else /* as runc: no rate is no limit */
		add_line(reader, "io.max",
			 arena_printf(reader->arena, "%" PRId64 ":%" PRId64 " %s=max", read.major,
				      read.minor, key), field);
	return 0;
}

#define THROTTLE(function, key, field)                                                             \
	static int function(struct json_reader *reader, json_t *value, void *to)                  \
	{                                                                                          \
		(void)to;                                                                          \
		return read_throttle(reader, value, key, "linux.resources.blockIO." field);        \
	}

THROTTLE(read_rbps, "rbps", "throttleReadBpsDevice")
THROTTLE(read_wbps, "wbps", "throttleWriteBpsDevice")
THROTTLE(read_riops, "riops", "throttleReadIOPSDevice")
THROTTLE(read_wiops, "wiops", "throttleWriteIOPSDevice")

int config_read_block_io(struct json_reader *reader, json_t *value, void *to)
{
	static const struct json_member table[] = {
		{ .name = "leafWeight", .kind = JSON_KIND_REFUSED, .why = "not in cgroup v2" },
		{ .name = "weightDevice", .kind = JSON_KIND_ARRAY, .read = read_weight_device },
		{ .name = "throttleReadBpsDevice", .kind = JSON_KIND_ARRAY, .read = read_rbps },
		{ .name = "throttleWriteBpsDevice", .kind = JSON_KIND_ARRAY, .read = read_wbps },
		{ .name = "throttleReadIOPSDevice", .kind = JSON_KIND_ARRAY, .read = read_riops },
		{ .name = "throttleWriteIOPSDevice", .kind = JSON_KIND_ARRAY, .read = read_wiops },
		{ .name = "weight", .kind = JSON_KIND_ACCEPTED },
	};
	json_t *weight = json_object_get(value, "weight");
	size_t mark = json_enter(reader, "weight", 0);
	int err = weight ? read_weight(reader, weight, to) : 0;

	json_leave(reader, mark);
	return err ? err : json_read_object(reader, value, table, N(table), to);
}
