/* SPDX-License-Identifier: Apache-2.0 */
/* A container's state as engines read it, and the configuration it was made from; see state.h. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "config_parts.h"
#include "fd.h"
#include "json_document.h"
#include "state.h"
#include "state_files.h"

json_t *state_as_oci(const struct state *state, enum state_status status)
{
	bool lives = status != STATE_STOPPED;
	json_t *json = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:O}", "ociVersion", "1.2.0",
				 "id", state->id, "pid", lives ? (int)state->monitor.pid : 0,
				 "status", state_status_name(status), "bundle",
				 state->bundle ? state->bundle : "", "rootfs",
				 state->rootfs ? state->rootfs : "", "created", state->created,
				 "annotations", state->annotations);
	struct stat st;
	const struct passwd *owner = NULL;

	if (fstat(state->dir_fd, &st) == 0)
		owner = getpwuid(st.st_uid);
	json_object_set_new(json, "owner", json_string(owner ? owner->pw_name : ""));
	return json;
}

/* What was given beside the defaults, of a container made from options. */
static void process_fill(struct container_config *config, const json_t *json)
{
	struct config_process *process = &config->process;
	const json_t *user = json_object_get(json, "user");
	const char *cwd = json_string_value(json_object_get(json, "cwd"));
	json_t *env = json_object_get(json, "env");

	process->terminal = json_is_true(json_object_get(json, "terminal"));
	process->uid = (uint32_t)json_integer_value(json_object_get(user, "uid"));
	process->gid = (uint32_t)json_integer_value(json_object_get(user, "gid"));
	config_set_defaults(config);
	if (cwd)
		process->cwd = arena_printf(&config->arena, "%s", cwd);
	process->env.n = 0;
	for (size_t i = 0; i < json_array_size(env); i++) {
		const char *setting = json_string_value(json_array_get(env, i));

		string_list_add(&config->arena, &process->env,
				arena_printf(&config->arena, "%s", setting ? setting : ""));
	}
}

/* Limits, as they were noted when the container was made or last changed. */
static int resources_fill(struct container_config *config, json_t *resources,
			  struct failure *failure)
{
	struct json_reader reader = {
		.file = STATE_PROCESS_FILE,
		.arena = &config->arena,
		.failure = failure,
		.config = config,
		.quiet = true,
	};

	return resources ? config_read_resources(&reader, resources, config) : 0;
}

int state_read_config(const struct state *state, struct container_config *config,
		      struct failure *failure)
{
	autoclose int fd = openat(state->dir_fd, STATE_CONFIG_FILE,
				  O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	json_error_t error;
	json_t *json;

	config->id = state->id;
	config->is_stored = true;
	config->root_path = state->rootfs;
	if (fd >= 0)
		return config_read_fd(config, fd, state->bundle, failure);
	fd = openat(state->dir_fd, STATE_PROCESS_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	json = fd < 0 ? NULL : json_document_read(fd, &error);
	if (!json_is_object(json)) {
		json_decref(json);
		return failure_set(failure, -EIO, "%s/" STATE_CONFIG_FILE ": expected the "
				   "container's configuration", state->dir);
	}
	process_fill(config, json);
	config->stored = json;
	return resources_fill(config, json_object_get(json, "resources"), failure);
}
