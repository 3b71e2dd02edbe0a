/* SPDX-License-Identifier: Apache-2.0 */
/* config.json "hooks" (OCI runtime-spec 1.2 config.md "POSIX-platform Hooks"). */
#include <assert.h>

#include "known_words.h"
#include "config_parts.h"

#define N(table) (sizeof(table) / sizeof((table)[0]))
#define TIMEOUT_MAX_S 86400

static const char *const names[] = {
	[HOOK_PRESTART] = "prestart",
	[HOOK_CREATE_RUNTIME] = "createRuntime",
	[HOOK_CREATE_CONTAINER] = "createContainer",
	[HOOK_START_CONTAINER] = "startContainer",
	[HOOK_POSTSTART] = "poststart",
	[HOOK_POSTSTOP] = "poststop",
};
static_assert(N(names) == HOOK_KIND_COUNT, "a name for each kind");

const char *config_hook_name(enum config_hook_kind kind)
{
	return names[kind];
}

static int read_hook(struct json_reader *reader, json_t *value, void *to)
{
	static const struct json_member table[] = {
		{ .name = "path", .kind = JSON_KIND_ABSOLUTE, .required = true,
		  .offset = offsetof(struct config_hook, path) },
		{ .name = "args", .kind = JSON_KIND_STRINGS,
		  .offset = offsetof(struct config_hook, args) },
		{ .name = "env", .kind = JSON_KIND_STRINGS,
		  .offset = offsetof(struct config_hook, env) },
		/* "If set, timeout MUST be greater than zero." */
		{ .name = "timeout", .kind = JSON_KIND_UINT32, .min = 1, .max = TIMEOUT_MAX_S,
		  .offset = offsetof(struct config_hook, timeout_s) },
	};
	struct config_hook hook = { .path = NULL };
	int err = json_read_object(reader, value, table, N(table), &hook);

	hook.has_env = json_is_array(json_object_get(value, "env"));
	if (!err)
		*config_add_hook(reader->arena, to) = hook;
	return err;
}

int config_read_hooks(struct json_reader *reader, json_t *value, void *to)
{
	struct container_config *config = to;
	struct json_member table[HOOK_KIND_COUNT];

	for (size_t i = 0; i < HOOK_KIND_COUNT; i++)
		table[i] = (struct json_member){
			.name = names[i],
			.kind = JSON_KIND_ARRAY,
			.read = read_hook,
			.offset = i * sizeof(struct config_hooks),
		};
	return json_read_object(reader, value, table, N(table), config->hooks);
}

int config_read_hooks_alone(struct container_config *config, json_t *hooks, struct failure *failure)
{
	struct json_reader reader = {
		.file = "hooks",
		.arena = &config->arena,
		.failure = failure,
		.config = config,
	};

	return hooks ? config_read_hooks(&reader, hooks, config) : 0;
}

const char *known_hook(size_t i)
{
	return i < HOOK_KIND_COUNT ? names[i] : NULL;
}
