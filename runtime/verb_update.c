/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre update: changes limits of a container that runs, on the host and in the guest. What is given
 * is a "resources" of config.json (OCI runtime-spec 1.2 config-linux.md "Control groups"); what it
 * leaves out stays. More than the VM was booted with is refused: memory and processors are not added
 * to a running VM.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cgroup.h"
#include "config_parts.h"
#include "existing.h"
#include "json_document.h"
#include "plan_compile.h"
#include "query.h"
#include "size.h"

struct update_options {
	bool help;
	const char *resources;
	const char *memory, *memory_swap, *memory_reservation;
	const char *cpu_period, *cpu_quota, *cpu_share, *cpu_burst, *cpu_idle, *pids_limit;
	const char *cpuset_cpus, *cpuset_mems, *blkio_weight;
	const char *cpu_rt_period, *cpu_rt_runtime;
};

#define AT(field) offsetof(struct update_options, field)

static const struct option_row rows[] = {
	{ .name = "resources", .letter = 'r', .kind = OPTION_STRING, .argument = "FILE|-",
	  .offset = AT(resources), .help = "limits as JSON, as \"resources\" of config.json" },
	{ .name = "memory", .kind = OPTION_STRING, .argument = "SIZE", .offset = AT(memory),
	  .help = "the container's memory; -1: what the VM has" },
	{ .name = "memory-swap", .kind = OPTION_STRING, .argument = "SIZE",
	  .offset = AT(memory_swap), .help = "memory and swap" },
	{ .name = "memory-reservation", .kind = OPTION_STRING, .argument = "SIZE",
	  .offset = AT(memory_reservation), .help = "memory that is not taken back" },
	{ .name = "cpu-period", .kind = OPTION_STRING, .argument = "US", .offset = AT(cpu_period),
	  .help = "microseconds in which the quota counts" },
	{ .name = "cpu-quota", .kind = OPTION_STRING, .argument = "US", .offset = AT(cpu_quota),
	  .help = "microseconds of processor time in each period; -1: no limit" },
	{ .name = "cpu-share", .kind = OPTION_STRING, .argument = "N", .offset = AT(cpu_share),
	  .help = "weight among containers, 2 to 262144" },
	{ .name = "cpu-burst", .kind = OPTION_STRING, .argument = "US", .offset = AT(cpu_burst),
	  .help = "microseconds beyond the quota that may be saved up" },
	{ .name = "cpu-idle", .kind = OPTION_STRING, .argument = "0|1", .offset = AT(cpu_idle),
	  .help = "1: only what others leave of the processors" },
	{ .name = "cpu-rt-period", .kind = OPTION_STRING, .argument = "US",
	  .offset = AT(cpu_rt_period), .help = "refused: not in cgroup v2" },
	{ .name = "cpu-rt-runtime", .kind = OPTION_STRING, .argument = "US",
	  .offset = AT(cpu_rt_runtime), .help = "refused: not in cgroup v2" },
	{ .name = "blkio-weight", .kind = OPTION_STRING, .argument = "N", .offset = AT(blkio_weight),
	  .help = "weight of reads and writes among containers, 10 to 1000" },
	{ .name = "pids-limit", .kind = OPTION_STRING, .argument = "N", .offset = AT(pids_limit),
	  .help = "processes at once; -1: no limit" },
	{ .name = "cpuset-cpus", .kind = OPTION_STRING, .argument = "LIST",
	  .offset = AT(cpuset_cpus), .help = "processors of the host" },
	{ .name = "cpuset-mems", .kind = OPTION_STRING, .argument = "LIST",
	  .offset = AT(cpuset_mems), .help = "memory nodes of the host" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG, .offset = AT(help),
	  .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre update: change the limits of a container",
	.usage = "nacre update [OPTION...] ID",
	.table = &table,
	.help_offset = AT(help),
	.least = 1,
	.most = 1,
};

struct update {
	const struct state *state;
	struct container_config config; /* of which only resources are used */
	json_t *json;
	bool memory_unlimited; /* memory.limit is -1 */
};

/* Where each option belongs in "resources". */
static const struct {
	size_t offset;
	const char *option, *part, *name;
	enum { NUMBER, SIZE, TEXT } kind;
} members[] = {
	{ AT(memory), "--memory", "memory", "limit", SIZE },
	{ AT(memory_swap), "--memory-swap", "memory", "swap", SIZE },
	{ AT(memory_reservation), "--memory-reservation", "memory", "reservation", SIZE },
	{ AT(cpu_period), "--cpu-period", "cpu", "period", NUMBER },
	{ AT(cpu_quota), "--cpu-quota", "cpu", "quota", NUMBER },
	{ AT(cpu_share), "--cpu-share", "cpu", "shares", NUMBER },
	{ AT(cpu_burst), "--cpu-burst", "cpu", "burst", NUMBER },
	{ AT(cpu_idle), "--cpu-idle", "cpu", "idle", NUMBER },
	{ AT(cpu_rt_period), "--cpu-rt-period", "cpu", "realtimePeriod", NUMBER },
	{ AT(cpu_rt_runtime), "--cpu-rt-runtime", "cpu", "realtimeRuntime", NUMBER },
	{ AT(blkio_weight), "--blkio-weight", "blockIO", "weight", NUMBER },
	{ AT(cpuset_cpus), "--cpuset-cpus", "cpu", "cpus", TEXT },
	{ AT(cpuset_mems), "--cpuset-mems", "cpu", "mems", TEXT },
	{ AT(pids_limit), "--pids-limit", "pids", "limit", NUMBER },
};

/* The value of an option as JSON; NULL with the failure set. */
static json_t *member_value(size_t i, const char *text, struct failure *failure)
{
	uint64_t value;
	int err;

	if (members[i].kind == TEXT)
		return json_string(text);
	if (strcmp(text, "-1") == 0)
		return json_integer(-1);
	err = members[i].kind == SIZE ? size_parse(text, &value)
				      : number_parse(text, INT64_MAX, &value);
	if (!err && value <= INT64_MAX)
		return json_integer((json_int_t)value);
	failure_set(failure, -EINVAL, "%s %s: expected %s", members[i].option, text,
		    members[i].kind == SIZE ? "a size (bytes, or with K, M, G) or -1" : "a number");
	return NULL;
}

static int add_options(struct update *update, const struct update_options *options,
		       struct failure *failure)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *text;
		json_t *part, *value;

		memcpy(&text, (const char *)options + members[i].offset, sizeof(text));
		if (!text)
			continue;
		value = member_value(i, text, failure);
		if (!value)
			return -EINVAL;
		part = json_object_get(update->json, members[i].part);
		if (!json_is_object(part)) {
			part = json_object();
			json_object_set_new(update->json, members[i].part, part);
		}
		json_object_set_new(part, members[i].name, value);
	}
	return 0;
}

static int read_json(struct update *update, const struct update_options *options,
		     struct failure *failure)
{
	const char *path = options->resources;
	json_error_t error;

	if (!path)
		update->json = json_object();
	else
		update->json = json_document_load(path, &error);
	if (!update->json)
		return failure_set(failure, -EINVAL, "--resources %s: expected JSON: %s", path,
				   error.text);
	if (!json_is_object(update->json))
		return failure_set(failure, -EINVAL, "--resources %s: expected an object", path);
	return add_options(update, options, failure);
}

static bool is_given(const struct update *update, const char *part, const char *name)
{
	const json_t *member = json_object_get(json_object_get(update->json, part), name);

	return member && !json_says_nothing(member);
}

/* Fills config.resources. What the container's devices are is decided when it is made. */
static int read_resources(struct update *update, const struct update_options *options,
			  struct failure *failure)
{
	struct json_reader reader = {
		.file = options->resources && options->resources[0] != '-' ? options->resources
									   : "resources",
		.arena = &update->config.arena,
		.failure = failure,
		.config = &update->config,
	};
	int err = read_json(update, options, failure);

	if (err)
		return err;
	json_object_del(update->json, "devices");
	err = config_read_resources(&reader, update->json, &update->config);
	update->memory_unlimited = is_given(update, "memory", "limit") &&
				   update->config.resources.memory_limit == -1;
	return err;
}

/* Against what the VM was booted with. */
static int check_size(const struct update *update, struct failure *failure)
{
	const struct config_resources *resources = &update->config.resources;
	const struct vm_size *size = &update->state->size;
	uint64_t memory = size->memory > VM_OVERHEAD_BYTES ? size->memory - VM_OVERHEAD_BYTES : 0;

	if (resources->memory_limit > 0 && (uint64_t)resources->memory_limit > memory)
		return failure_set(failure, -EINVAL, "memory.limit: %" PRId64 ": the VM was booted "
				   "with %" PRIu64 " MiB for the container, and cannot be given "
				   "more while it runs", resources->memory_limit, memory / MIB);
	if (resources->cpu_quota > 0 &&
	    (uint64_t)resources->cpu_quota > size->cpus * resources->cpu_period)
		return failure_set(failure, -EINVAL, "cpu.quota: %" PRId64 ": the VM was booted "
				   "with %u processors, and cannot be given more while it runs",
				   resources->cpu_quota, size->cpus);
	return 0;
}

/* A group that was idle has lost its weight: it gets what it was made with. */
static void take_weight(struct update *update, const struct container_config *made)
{
	static const char weight[] = "cpu.weight"; /* or .nice */
	struct config_resources *resources = &update->config.resources;
	struct arena *arena = &update->config.arena;

	if (resources->cpu_idle != 0 || resources->cpu_shares > 0)
		return;
	resources->cpu_shares = made->resources.cpu_shares;
	for (size_t i = 0; i < made->resources.unified.n; i++) {
		const struct config_pair *pair = &made->resources.unified.v[i];

		if (strncmp(pair->name, weight, sizeof(weight) - 1) == 0 &&
		    !is_given(update, "unified", pair->name))
			*config_add_pair(arena, &resources->unified) = (struct config_pair){
				.name = arena_printf(arena, "%s", pair->name),
				.value = arena_printf(arena, "%s", pair->value),
			};
	}
}

/*
 * What the container was made with decides where the update says nothing: a quota alone counts in
 * its period, a period alone is that of its quota, and on the host what swap there may be goes by memory and swap together.
 */
static int take_rest(struct update *update, struct container_config *on_host,
		     struct failure *failure)
{
	struct config_resources *resources = &update->config.resources;
	struct container_config made;
	int err;

	config_init(&made);
	err = state_read_config(update->state, &made, failure);
	if (!is_given(update, "cpu", "period"))
		resources->cpu_period = made.resources.cpu_period;
	else if (!is_given(update, "cpu", "quota"))
		resources->cpu_quota = made.resources.cpu_quota;
	take_weight(update, &made);
	*on_host = update->config;
	on_host->id = update->state->id;
	if (made.cgroups_path)
		on_host->cgroups_path = arena_printf(&update->config.arena, "%s", made.cgroups_path);
	if (!is_given(update, "memory", "limit"))
		on_host->resources.memory_limit = made.resources.memory_limit;
	if (!is_given(update, "memory", "swap"))
		on_host->resources.memory_swap = made.resources.memory_swap;
	if (!is_given(update, "cpu", "quota"))
		on_host->resources.cpu_quota = made.resources.cpu_quota;
	if (resources->cpu_burst < 0)
		on_host->resources.cpu_burst = made.resources.cpu_burst;
	config_free(&made);
	return err ? err : config_check_resources(on_host, failure);
}

/*
 * memory.checkBeforeUpdate: below what is used the guest's kernel would kill. The figure is the guest's
 * word: a wrong one lets it be given less, or nothing, of what is its own.
 */
static int check_usage(const struct update *update, struct failure *failure)
{
	const struct config_resources *resources = &update->config.resources;
	struct query query = { .fd = -1 };
	uint64_t used = 0;
	int err;

	if (!resources->memory_check || resources->memory_limit <= 0)
		return 0;
	err = query_open(&query, update->state, failure);
	if (!err)
		err = query_figure(&query, FIGURE_MEMORY, &used, failure);
	query_close(&query);
	if (!err && (uint64_t)resources->memory_limit < used)
		err = failure_set(failure, -EBUSY, "memory.limit: %" PRId64 ": rejecting memory limit: "
				  "the container uses %" PRIu64, resources->memory_limit, used);
	return err;
}

/* The records of a plan as what MSG_UPDATE carries: their strings, behind each other. */
static size_t pairs_of(const struct plan_buffer *plan, uint8_t *to, size_t room)
{
	size_t at = sizeof(struct plan_header), n = 0;

	while (at < plan->len) {
		struct plan_record record;
		size_t len;

		memcpy(&record, plan->bytes + at, sizeof(record));
		at += sizeof(record);
		len = le32_get(record.len);
		if (len > room - n)
			return SIZE_MAX;
		memcpy(to + n, plan->bytes + at, len);
		n += len;
		at += (len + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN;
	}
	return n;
}

static int update_guest(struct update *update, struct failure *failure)
{
	const struct config_resources *resources = &update->config.resources;
	uint8_t body[PROTO_SMALL_MAX - sizeof(struct msg_header)];
	struct plan_buffer plan;
	struct query query = { .fd = -1 };
	size_t len;
	int err = 0;

	plan_buffer_begin(&plan);
	plan_add_resources(resources, &plan);
	if (update->memory_unlimited)
		plan_buffer_add_pair(&plan, PLAN_CGROUP, "memory.max", "max");
	len = plan.failed ? SIZE_MAX : pairs_of(&plan, body, sizeof(body));
	plan_buffer_free(&plan);
	if (len == SIZE_MAX)
		return failure_set(failure, -E2BIG, "too many limits at once");
	if (len == 0)
		return 0;
	err = query_open(&query, update->state, failure);
	if (!err)
		err = query_order(&query, MSG_UPDATE, body, len, QUERY_WAIT_MS, failure);
	query_close(&query);
	return err;
}

static int update_container(struct update *update, const struct update_options *options,
			    struct failure *failure)
{
	const struct state *state = update->state;
	enum state_status status = state_status(state);
	struct container_config on_host;
	int err;

	if (status != STATE_CREATED && status != STATE_RUNNING)
		return failure_set(failure, -ESRCH,
				   "%s: cannot update a container that is %s: container not running",
				   state->id, state_status_name(status));
	if (state->vmm.pid == 0)
		return failure_set(failure, -ENOTSUP, "%s: " STATE_NO_VM, state->id);
	err = read_resources(update, options, failure);
	if (!err)
		err = take_rest(update, &on_host, failure);
	if (!err)
		err = check_size(update, failure);
	if (!err)
		err = check_usage(update, failure);
	if (!err)
		err = cgroup_update(state->cgroup, &on_host, &state->size,
				    &update->config.arena, failure);
	if (!err)
		err = update_guest(update, failure);
	return err ? err : state_save_resources(state, update->json, failure);
}

int verb_update(const struct global_options *global, int argc, char *argv[])
{
	struct update_options options = { .help = false };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	struct update update = { .state = &state };
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);

	config_init(&update.config);
	if (at > 0 && state_open_locked(&state, global->root, argv[at], STATE_LOCK_MS,
					global->arena, &failure) == 0)
		update_container(&update, &options, &failure);
	json_decref(update.json);
	config_free(&update.config);
	return existing_end(&state, &failure);
}
