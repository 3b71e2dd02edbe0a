/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json "linux.resources" (OCI runtime-spec 1.2 config-linux.md "Control groups"): what sizes
 * the VM and what the guest's cgroup v2 enforces. The rest is refused by name.
 */
#include <errno.h>
#include <string.h>
#include <linux/bpf.h>

#include "config_parts.h"
#include "plan.h"

#define AT(field) offsetof(struct container_config, resources.field)
#define N(table)  (sizeof(table) / sizeof((table)[0]))

static int read_memory(struct json_reader *reader, json_t *value, void *to)
{
	static const struct json_member table[] = {
		{ .name = "limit", .kind = JSON_KIND_INT64, .min = -1, .max = INT64_MAX,
		  .offset = AT(memory_limit) },
		{ .name = "swap", .kind = JSON_KIND_INT64, .min = -1, .max = INT64_MAX,
		  .offset = AT(memory_swap) },
		{ .name = "reservation", .kind = JSON_KIND_INT64, .min = -1, .max = INT64_MAX,
		  .offset = AT(memory_reservation) },
		{ .name = "kernel", .kind = JSON_KIND_REFUSED, .why = "not in cgroup v2" },
		{ .name = "kernelTCP", .kind = JSON_KIND_REFUSED, .why = "not in cgroup v2" },
		{ .name = "swappiness", .kind = JSON_KIND_REFUSED_0, .why = "not in cgroup v2" },
		{ .name = "disableOOMKiller", .kind = JSON_KIND_REFUSED,
		  .why = "not in cgroup v2" },
		{ .name = "useHierarchy", .kind = JSON_KIND_ACCEPTED },
		{ .name = "checkBeforeUpdate", .kind = JSON_KIND_BOOL, .offset = AT(memory_check) },
	};

	return json_read_object(reader, value, table, N(table), to);
}

static int read_cpu(struct json_reader *reader, json_t *value, void *to)
{
	static const struct json_member table[] = {
		{ .name = "shares", .kind = JSON_KIND_UINT64, .offset = AT(cpu_shares) },
		{ .name = "quota", .kind = JSON_KIND_INT64, .min = INT64_MIN, .max = INT64_MAX,
		  .offset = AT(cpu_quota) },
		{ .name = "period", .kind = JSON_KIND_UINT64, .offset = AT(cpu_period) },
		{ .name = "idle", .kind = JSON_KIND_INT64, .min = 0, .max = 1,
		  .offset = AT(cpu_idle) },
		{ .name = "burst", .kind = JSON_KIND_INT64, .min = 0, .max = INT64_MAX,
		  .offset = AT(cpu_burst) },
		{ .name = "realtimeRuntime", .kind = JSON_KIND_REFUSED, .why = "not in cgroup v2" },
		{ .name = "realtimePeriod", .kind = JSON_KIND_REFUSED, .why = "not in cgroup v2" },
		{ .name = "cpus", .kind = JSON_KIND_STRING, .offset = AT(cpuset_cpus) },
		{ .name = "mems", .kind = JSON_KIND_STRING, .offset = AT(cpuset_mems) },
	};

	struct container_config *config = to;
	int err = json_read_object(reader, value, table, N(table), to);

	/* 0 is what engines write of a period that nobody asked for */
	if (config->resources.cpu_period == 0)
		config->resources.cpu_period = CONFIG_CPU_PERIOD;
	return err;
}

/* One for each size of page that the host has, with limit 0, comes from Kubernetes: the guest has none. */
static int read_hugepage_limit(struct json_reader *reader, json_t *value, void *to)
{
	const json_t *limit = json_object_get(value, "limit");

	(void)to;
	if (limit && !json_says_nothing(limit))
		return json_refuse(reader, "limit: expected 0: the VM has no huge pages to give");
	return 0;
}

static int read_pids(struct json_reader *reader, json_t *value, void *to)
{
	static const struct json_member table[] = {
		{ .name = "limit", .kind = JSON_KIND_INT64, .min = INT64_MIN, .max = INT64_MAX,
		  .offset = AT(pids_limit) },
	};

	return json_read_object(reader, value, table, N(table), to);
}

static int read_device_rule(struct json_reader *reader, json_t *value, void *to)
{
	struct rule_json {
		const char *type, *access;
		int64_t major, minor;
		bool allow;
	} read = { .type = "a", .access = "rwm", .major = -1, .minor = -1 };
	static const struct json_member table[] = {
		{ .name = "allow", .kind = JSON_KIND_BOOL, .required = true,
		  .offset = offsetof(struct rule_json, allow) },
		{ .name = "type", .kind = JSON_KIND_STRING,
		  .offset = offsetof(struct rule_json, type) },
		{ .name = "major", .kind = JSON_KIND_INT64, .min = -1, .max = UINT32_MAX,
		  .offset = offsetof(struct rule_json, major) },
		{ .name = "minor", .kind = JSON_KIND_INT64, .min = -1, .max = UINT32_MAX,
		  .offset = offsetof(struct rule_json, minor) },
		{ .name = "access", .kind = JSON_KIND_STRING,
		  .offset = offsetof(struct rule_json, access) },
	};
	int err = json_read_object(reader, value, table, N(table), &read);

	struct container_config *config = to;
	uint32_t access = 0;

	if (err)
		return err;
	if (strlen(read.type) != 1 || !strchr("abc", read.type[0]))
		return json_refuse(reader, "type: \"%s\": expected a, b or c", read.type);
	if (read.access[strspn(read.access, "rwm")])
		return json_refuse(reader, "access: \"%s\": expected letters of rwm", read.access);
	access |= strchr(read.access, 'm') ? BPF_DEVCG_ACC_MKNOD : 0u;
	access |= strchr(read.access, 'r') ? BPF_DEVCG_ACC_READ : 0u;
	access |= strchr(read.access, 'w') ? BPF_DEVCG_ACC_WRITE : 0u;
	/* "a" is all devices, whatever numbers stand beside it, as in cgroup v1 */
	if (read.type[0] == 'a')
		read.major = read.minor = -1;
	*device_add_rule(reader->arena, &config->resources.devices) = (struct device_rule){
		.allow = read.allow, .kind = read.type[0], .major = read.major,
		.minor = read.minor, .access = access,
	};
	return 0;
}

/* True when a file's name begins with one of the prefixes. */
static bool has_prefix(const char *name, const char *const *prefixes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

static int read_unified(struct json_reader *reader, json_t *value, void *to)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";
	static const char *const in_guest[] = { "memory.", "pids.", "cpu." };
	/* the guest has no swap: its memory is swapped by the host, or not at all */
	static const char *const on_host[] = { "io.", "cpuset.", "memory.swap." };
	struct container_config *config = to;

	for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
		const char *name = json_object_iter_key(at);
		json_t *setting = json_object_iter_value(at);

		if (!json_is_string(setting))
			return json_refuse(reader, "%s: expected a string", name);
		if (name[strspn(name, letters)] || strlen(name) > PLAN_CGROUP_NAME_MAX ||
		    (!has_prefix(name, in_guest, N(in_guest)) &&
		     !has_prefix(name, on_host, N(on_host))))
			return json_refuse(reader, "%s: expected a file of the memory, pids, cpu, io "
					   "or cpuset controller", name);
		if (has_prefix(name, on_host, N(on_host)))
			*config_add_host_file(reader->arena, &config->resources.host_files) =
				(struct config_host_file){
					.name = name, .value = json_string_value(setting),
					.field = "linux.resources.unified" };
		else
			*config_add_pair(reader->arena, &config->resources.unified) =
				(struct config_pair){ .name = name,
						      .value = json_string_value(setting) };
	}
	return 0;
}

int config_read_resources(struct json_reader *reader, json_t *value, void *to)
{
	static const struct json_member table[] = {
		{ .name = "devices", .kind = JSON_KIND_ARRAY, .read = read_device_rule },
		{ .name = "memory", .kind = JSON_KIND_OBJECT, .read = read_memory },
		{ .name = "cpu", .kind = JSON_KIND_OBJECT, .read = read_cpu },
		{ .name = "pids", .kind = JSON_KIND_OBJECT, .read = read_pids },
		{ .name = "unified", .kind = JSON_KIND_OBJECT, .read = read_unified },
		{ .name = "blockIO", .kind = JSON_KIND_OBJECT, .read = config_read_block_io },
		{ .name = "hugepageLimits", .kind = JSON_KIND_ARRAY, .read = read_hugepage_limit },
		{ .name = "network", .kind = JSON_KIND_REFUSED },
		{ .name = "rdma", .kind = JSON_KIND_REFUSED_0 },
	};

	return json_read_object(reader, value, table, N(table), to);
}
