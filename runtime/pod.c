/* SPDX-License-Identifier: Apache-2.0 */
/* Pods; see pod.h. */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "pod.h"

static const char *copy(struct arena *arena, const char *text)
{
	return text ? arena_printf(arena, "%s", text) : NULL;
}

static bool has_sysctl(const struct container_config *config, const char *name)
{
	for (size_t i = 0; i < config->sysctls.n; i++) {
		if (strcmp(config->sysctls.v[i].name, name) == 0)
			return true;
	}
	return false;
}

static void inherit(struct container_config *config, const struct container_config *sandbox)
{
	struct arena *arena = &config->arena;

	if (!config->hostname)
		config->hostname = copy(arena, sandbox->hostname);
	if (!config->domainname)
		config->domainname = copy(arena, sandbox->domainname);
	for (size_t i = 0; i < sandbox->sysctls.n; i++) {
		const struct config_pair *pair = &sandbox->sysctls.v[i];

		if (!has_sysctl(config, pair->name))
			*config_add_pair(arena, &config->sysctls) = (struct config_pair){
				.name = copy(arena, pair->name),
				.value = copy(arena, pair->value),
			};
	}
}

int pod_inherit(struct container_config *config, const char *root, struct failure *failure)
{
	struct failure ignored = { .text = "" };
	struct state state = STATE_NONE;
	struct container_config sandbox;
	const char *id;
	int err;

	if (config_pod_role(config->json, &id) != POD_MEMBER ||
	    state_open(&state, root, id, &config->arena, &ignored) != 0)
		return 0;
	config_init(&sandbox);
	err = state_read_config(&state, &sandbox, failure);
	if (!err)
		inherit(config, &sandbox);
	config_free(&sandbox);
	state_close(&state);
	return err;
}

/* Is it a container of that pod that has not stopped? */
static bool is_member(const struct state *state, const char *sandbox_id)
{
	json_t *json = json_pack("{s:O}", "annotations", state->annotations);
	const char *id;
	bool is = config_pod_role(json, &id) == POD_MEMBER && strcmp(id, sandbox_id) == 0;

	json_decref(json);
	return is && state_status(state) != STATE_STOPPED;
}

int pod_check_alone(const struct container_config *config, const struct state *own,
		    struct failure *failure)
{
	struct string_list ids = { .n = 0 };
	struct arena arena = { .blocks = NULL };
	const char *sandbox_id;
	int err = 0;

	if (config_pod_role(config->json, &sandbox_id) != POD_MEMBER)
		return 0;
	(void)state_ids(own->root, &ids, &arena);
	for (size_t i = 0; i < ids.n && !err; i++) {
		struct failure ignored = { .text = "" };
		struct state state = STATE_NONE;

		if (strcmp(ids.v[i], own->id) != 0 &&
		    state_open(&state, own->root, ids.v[i], &arena, &ignored) == 0) {
			if (is_member(&state, sandbox_id))
				err = failure_set(failure, -EBUSY,
						  "%s: pod %s has the container %s already: a pod "
						  "of several containers is not supported yet",
						  own->id, sandbox_id, state.id);
			state_close(&state);
		}
	}
	arena_free(&arena);
	return err;
}
