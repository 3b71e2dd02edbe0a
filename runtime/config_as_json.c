/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration as config.json; see config_as_json.h. */
#include <string.h>

#include <jansson.h>

#include "config_as_json.h"
#include "known_words.h"

static json_t *strings_as_json(const struct string_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_string(list->v[i]));
	return array;
}

static json_t *capabilities_as_json(const struct config_process *process)
{
	static const char *const names[CAP_SET_COUNT] = {
		[CAP_SET_BOUNDING] = "bounding",	[CAP_SET_EFFECTIVE] = "effective",
		[CAP_SET_INHERITABLE] = "inheritable",	[CAP_SET_PERMITTED] = "permitted",
		[CAP_SET_AMBIENT] = "ambient",
	};
	json_t *sets = json_object();

	for (size_t set = 0; set < CAP_SET_COUNT; set++) {
		json_t *array = json_array();
		const char *name;

		for (size_t i = 0; (name = known_capability(i)) != NULL; i++) {
			if (process->caps[set] & UINT64_C(1) << i)
				json_array_append_new(array, json_string(name));
		}
		if (json_array_size(array) > 0)
			json_object_set(sets, names[set], array);
		json_decref(array);
	}
	return sets;
}

static json_t *rlimits_as_json(const struct config_process *process)
{
	json_t *array = json_array();

	for (size_t i = 0; i < process->rlimits.n; i++) {
		const struct config_rlimit *limit = &process->rlimits.v[i];

		json_array_append_new(array, json_pack("{s:s, s:I, s:I}", "type",
						       known_rlimit_of(limit->resource), "hard",
						       (json_int_t)limit->hard, "soft",
						       (json_int_t)limit->soft));
	}
	return array;
}

/* Flags by their names, then the file system's own options. */
static json_t *options_as_json(const struct config_mount *mount)
{
	json_t *array = json_array();
	const char *at = mount->data;

	for (unsigned int bit = 0; bit < 32; bit++) {
		uint32_t flag = mount->flags & (UINT32_C(1) << bit);
		const char *name = flag ? known_mount_option_of(flag) : NULL;

		if (name)
			json_array_append_new(array, json_string(name));
	}
	while (*at) {
		size_t len = strcspn(at, ",");

		json_array_append_new(array, json_stringn(at, len));
		at += len + (at[len] == ',');
	}
	return array;
}

static json_t *mounts_as_json(const struct container_config *config)
{
	json_t *array = json_array();

	for (size_t i = 0; i < config->mounts.n; i++) {
		const struct config_mount *mount = &config->mounts.v[i];
		/* the name that every runtime writes, and who changes the file looks for */
		const char *type = strcmp(mount->type, "cgroup2") == 0 ? "cgroup" : mount->type;

		if (mount->is_bind)
			continue;
		json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:o}", "destination",
						       mount->destination, "type", type,
						       "source", mount->source, "options",
						       options_as_json(mount)));
	}
	return array;
}

static json_t *namespaces_as_json(const struct container_config *config)
{
	json_t *array = json_array();
	const char *name;

	for (size_t i = 0; (name = known_namespace(i)) != NULL; i++) {
		if (config->namespaces & known_namespace_flag(i))
			json_array_append_new(array, json_pack("{s:s}", "type", name));
	}
	return array;
}

static json_t *maps_as_json(const struct config_id_maps *maps)
{
	json_t *array = json_array();

	for (size_t i = 0; i < maps->n; i++)
		json_array_append_new(array, json_pack("{s:I, s:I, s:I}", "containerID",
						       (json_int_t)maps->v[i].container, "hostID",
						       (json_int_t)maps->v[i].host, "size",
						       (json_int_t)maps->v[i].size));
	return array;
}

static json_t *process_as_json(const struct config_process *process)
{
	return json_pack("{s:b, s:{s:I, s:I}, s:o, s:o, s:s, s:o, s:o, s:b}", "terminal",
			 process->terminal, "user", "uid", (json_int_t)process->uid, "gid",
			 (json_int_t)process->gid, "args", strings_as_json(&process->args), "env",
			 strings_as_json(&process->env), "cwd", process->cwd, "capabilities",
			 capabilities_as_json(process), "rlimits", rlimits_as_json(process),
			 "noNewPrivileges", process->no_new_privileges);
}

json_t *config_as_json(const struct container_config *config)
{
	json_t *linux_part = json_pack("{s:o, s:o, s:o}", "namespaces",
				       namespaces_as_json(config), "maskedPaths",
				       strings_as_json(&config->masked_paths), "readonlyPaths",
				       strings_as_json(&config->readonly_paths));

	if (linux_part && config->uid_maps.n > 0) {
		json_object_set_new(linux_part, "uidMappings", maps_as_json(&config->uid_maps));
		json_object_set_new(linux_part, "gidMappings", maps_as_json(&config->gid_maps));
	}
	return json_pack("{s:s, s:o, s:{s:s, s:b}, s:s*, s:o, s:o}", "ociVersion", "1.2.0",
			 "process", process_as_json(&config->process), "root", "path",
			 config->root_path, "readonly", config->root_readonly, "hostname",
			 config->hostname, "mounts", mounts_as_json(config), "linux", linux_part);
}
