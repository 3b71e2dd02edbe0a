/* SPDX-License-Identifier: Apache-2.0 */
/* config.json "process" (OCI runtime-spec 1.2 config.md "Process", "POSIX process"). */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "known_words.h"
#include "caps.h"
#include "config_parts.h"
#include "environment.h"
#include "plan.h"
#include "report.h"

#define AT(field) offsetof(struct container_config, field)
#define N(table)  (sizeof(table) / sizeof((table)[0]))

/* Whether an id exists in the container is for config_check(). */
#define ID_MAX (INT64_C(0xffffffff) - 1)

static const struct {
	const char *name;
	uint32_t resource;
} rlimit_names[] = {
	{ "RLIMIT_AS", RLIMIT_AS },	    { "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },	    { "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },   { "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK }, { "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },	    { "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },   { "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO }, { "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING }, { "RLIMIT_STACK", RLIMIT_STACK },
};

static int read_rlimit(struct json_reader *reader, json_t *value, void *to)
{
	struct rlimit_json {
		const char *type;
		uint64_t soft, hard;
	} read = { .type = NULL };
	static const struct json_member table[] = {
		{ .name = "type", .kind = JSON_KIND_STRING, .required = true,
		  .offset = offsetof(struct rlimit_json, type) },
		{ .name = "soft", .kind = JSON_KIND_UINT64, .required = true,
		  .offset = offsetof(struct rlimit_json, soft) },
		{ .name = "hard", .kind = JSON_KIND_UINT64, .required = true,
		  .offset = offsetof(struct rlimit_json, hard) },
	};
	struct container_config *config = to;
	struct config_rlimits *list = &config->process.rlimits;
	int err = json_read_object(reader, value, table, N(table), &read);
	size_t i = 0;

	if (err)
		return err;
	while (i < N(rlimit_names) && strcmp(rlimit_names[i].name, read.type) != 0)
		i++;
	if (i == N(rlimit_names))
		return json_refuse(reader, "type: \"%s\": unknown limit, expected RLIMIT_NOFILE...",
				   read.type);
	if (read.soft > read.hard)
		return json_refuse(reader, "soft: %" PRIu64 ": expected at most \"hard\", %" PRIu64,
				   read.soft, read.hard);
	if (rlimit_names[i].resource == RLIMIT_NOFILE && read.hard > PLAN_NOFILE_MAX)
		return json_refuse(reader, "hard: %" PRIu64 ": expected at most %u, as many files as the "
				   "guest's kernel lets a process open", read.hard, PLAN_NOFILE_MAX);
	for (size_t j = 0; j < list->n; j++) {
		/* "If rlimits contains duplicated entries with same type, the runtime MUST
		 * generate an error." */
		if (list->v[j].resource == rlimit_names[i].resource)
			return json_refuse(reader, "type: %s is given twice", read.type);
	}
	*config_add_rlimit(reader->arena, list) = (struct config_rlimit){
		.resource = rlimit_names[i].resource, .soft = read.soft, .hard = read.hard,
	};
	return 0;
}

static int read_group(struct json_reader *reader, json_t *value, void *to)
{
	struct container_config *config = to;
	int64_t group = 0;
	int err = json_read_int(reader, value, 0, ID_MAX, &group);

	if (err)
		return err;
	*config_add_group(reader->arena, &config->process.groups) = (uint32_t)group;
	return 0;
}

static int read_user(struct json_reader *reader, json_t *value, void *to)
{
	static const struct json_member table[] = {
		{ .name = "uid", .kind = JSON_KIND_UINT32, .max = ID_MAX,
		  .offset = AT(process.uid) },
		{ .name = "gid", .kind = JSON_KIND_UINT32, .max = ID_MAX,
		  .offset = AT(process.gid) },
		{ .name = "umask", .kind = JSON_KIND_UINT32, .max = 0777,
		  .offset = AT(process.umask) },
		{ .name = "additionalGids", .kind = JSON_KIND_ARRAY, .read = read_group },
		{ .name = "username", .kind = JSON_KIND_REFUSED,
		  .why = "expected a Linux user, by uid" },
	};

	return json_read_object(reader, value, table, N(table), to);
}

static int read_console_size(struct json_reader *reader, json_t *value, void *to)
{
	struct size_json {
		uint32_t height, width;
	} read = { .height = 0 };
	static const struct json_member table[] = {
		{ .name = "height", .kind = JSON_KIND_UINT32, .required = true, .max = UINT16_MAX,
		  .offset = offsetof(struct size_json, height) },
		{ .name = "width", .kind = JSON_KIND_UINT32, .required = true, .max = UINT16_MAX,
		  .offset = offsetof(struct size_json, width) },
	};
	struct container_config *config = to;
	int err = json_read_object(reader, value, table, N(table), &read);

	config->process.rows = (uint16_t)read.height;
	config->process.cols = (uint16_t)read.width;
	return err;
}

static int read_cap_set(struct json_reader *reader, json_t *value, uint64_t *set)
{
	struct string_list names = { .n = 0 };
	int err = json_read_strings(reader, value, &names);

	for (size_t i = 0; i < names.n && !err; i++) {
		int number = caps_number(names.v[i]);

		/* "Any value which cannot be mapped ... SHOULD be logged as a warning" */
		if (number < 0)
			json_warn(reader, "%s: unknown capability, skipped", names.v[i]);
		else
			*set |= UINT64_C(1) << number;
	}
	return err;
}

static int read_capabilities(struct json_reader *reader, json_t *value, void *to)
{
	static const char *const names[CAP_SET_COUNT] = {
		[CAP_SET_BOUNDING] = "bounding",	[CAP_SET_EFFECTIVE] = "effective",
		[CAP_SET_INHERITABLE] = "inheritable",	[CAP_SET_PERMITTED] = "permitted",
		[CAP_SET_AMBIENT] = "ambient",
	};
	struct container_config *config = to;

	for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
		size_t mark = json_enter(reader, json_object_iter_key(at), 0);
		size_t set = 0;
		int err = 0;

		while (set < CAP_SET_COUNT && strcmp(names[set], json_object_iter_key(at)) != 0)
			set++;
		if (set == CAP_SET_COUNT)
			json_warn(reader, "unknown property, ignored");
		else if (!json_is_null(json_object_iter_value(at)))
			err = read_cap_set(reader, json_object_iter_value(at),
					   &config->process.caps[set]);
		if (err)
			return err;
		json_leave(reader, mark);
	}
	return 0;
}

/*
 * capabilities(7): no capability can be ambient that is not permitted and inheritable. `runc spec`
 * prints such all the same, and runc passes them over.
 */
static void limit_ambient(struct json_reader *reader, uint64_t *caps)
{
	uint64_t possible = caps[CAP_SET_PERMITTED] & caps[CAP_SET_INHERITABLE];

	if (caps[CAP_SET_AMBIENT] & ~possible)
		report_debug("%s: %s.capabilities.ambient: what is not also permitted and "
			     "inheritable cannot be ambient, skipped", reader->file, reader->path);
	caps[CAP_SET_AMBIENT] &= possible;
}

int config_read_process(struct json_reader *reader, json_t *value, void *to)
{
	struct container_config *config = to;
	static const struct json_member table[] = {
		{ .name = "terminal", .kind = JSON_KIND_BOOL, .offset = AT(process.terminal) },
		{ .name = "consoleSize", .kind = JSON_KIND_OBJECT, .read = read_console_size },
		{ .name = "user", .kind = JSON_KIND_OBJECT, .read = read_user },
		{ .name = "args", .kind = JSON_KIND_STRINGS, .required = true,
		  .offset = AT(process.args) },
		{ .name = "commandLine", .kind = JSON_KIND_REFUSED, .why = "expected \"args\"" },
		{ .name = "env", .kind = JSON_KIND_STRINGS, .offset = AT(process.env) },
		{ .name = "cwd", .kind = JSON_KIND_ABSOLUTE, .required = true,
		  .offset = AT(process.cwd) },
		{ .name = "capabilities", .kind = JSON_KIND_OBJECT, .read = read_capabilities },
		{ .name = "rlimits", .kind = JSON_KIND_ARRAY, .read = read_rlimit },
		{ .name = "noNewPrivileges", .kind = JSON_KIND_BOOL,
		  .offset = AT(process.no_new_privileges) },
		{ .name = "oomScoreAdj", .kind = JSON_KIND_INT64, .min = -1000, .max = 1000,
		  .offset = AT(process.oom_score_adj) },
		{ .name = "apparmorProfile", .kind = JSON_KIND_STRING,
		  .offset = AT(process.apparmor_profile) },
		{ .name = "selinuxLabel", .kind = JSON_KIND_STRING,
		  .offset = AT(process.selinux_label) },
		{ .name = "ioPriority", .kind = JSON_KIND_REFUSED },
		{ .name = "scheduler", .kind = JSON_KIND_REFUSED },
		{ .name = "execCPUAffinity", .kind = JSON_KIND_REFUSED },
	};

	int err = json_read_object(reader, value, table, N(table), config);

	limit_ambient(reader, config->process.caps);
	environment_settle(&config->process.env, reader->arena);
	return err;
}

const char *known_rlimit_of(uint32_t resource)
{
	for (size_t i = 0; i < N(rlimit_names); i++) {
		if (rlimit_names[i].resource == resource)
			return rlimit_names[i].name;
	}
	return NULL;
}
