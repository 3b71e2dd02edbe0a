/* SPDX-License-Identifier: Apache-2.0 */
/* startContainer hooks in the plan; see hooks_plan.h. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "hooks_plan.h"
#include "plan.h"

/* Compact JSON in memory; NULL without memory. The caller frees it. */
static char *state_text(const struct container_config *config)
{
	json_t *annotations = json_object_get(config->json, "annotations");
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "ociVersion", "1.2.0", "id", config->id,
				 "status", "created", "bundle",
				 config->bundle ? config->bundle : "");
	char *text;

	if (json && annotations)
		json_object_set(json, "annotations", annotations);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

static void add_hook(const struct config_hook *hook, struct plan_buffer *plan)
{
	size_t n_args = hook->args.n ? hook->args.n : 1, n = 0;
	const char **strings = calloc(1 + n_args + hook->env.n + 1, sizeof(*strings));
	struct plan_hook record = {
		.timeout_s = le32_of(hook->timeout_s),
		.n_args = le32_of((uint32_t)n_args),
		.n_env = le32_of((uint32_t)hook->env.n),
		.inherits = le32_of(!hook->has_env),
	};

	if (!strings) {
		plan->failed = true;
		return;
	}
	strings[n++] = hook->path;
	if (hook->args.n == 0)
		strings[n++] = hook->path;
	for (size_t i = 0; i < hook->args.n; i++)
		strings[n++] = hook->args.v[i];
	for (size_t i = 0; i < hook->env.n; i++)
		strings[n++] = hook->env.v[i];
	plan_buffer_add(plan, PLAN_HOOK, &record, sizeof(record), strings);
	free(strings);
}

void hooks_add_to_plan(const struct container_config *config, struct plan_buffer *plan)
{
	const struct config_hooks *hooks = &config->hooks[HOOK_START_CONTAINER];
	char *state;

	if (hooks->n == 0)
		return;
	state = state_text(config);
	if (state)
		plan_buffer_add_string(plan, PLAN_HOOK_STATE, state);
	else
		plan->failed = true;
	free(state);
	for (size_t i = 0; i < hooks->n; i++)
		add_hook(&hooks->v[i], plan);
}
