/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container is in a pod: annotations of containerd's CRI plugin, and of CRI-O, which podman
 * writes, too.
 */
#include <stdbool.h>
#include <string.h>

#include <jansson.h>

#include "conf.h"
#include "config.h"
#include "known_words.h"

#define MANAGER_ANNOTATION "io.container.manager"

static const struct {
	const char *type, *sandbox_id;
} callers[] = {
	{ "io.kubernetes.cri.container-type", "io.kubernetes.cri.sandbox-id" },
	{ "io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri-o.SandboxID" },
};

/* podman's, and nacre's own, which an administrator has to allow (a prefix, as runtime-spec's features.md has it). */
static const char *const others[] = { MANAGER_ANNOTATION, CONF_ANNOTATION_PREFIX };

const char *known_annotation(size_t i)
{
	const size_t n = sizeof(callers) / sizeof(callers[0]);

	if (i < 2 * n)
		return i % 2 ? callers[i / 2].sandbox_id : callers[i / 2].type;
	return i - 2 * n < sizeof(others) / sizeof(others[0]) ? others[i - 2 * n] : NULL;
}

static const char *text_of(const json_t *annotations, const char *name)
{
	return json_string_value(json_object_get(annotations, name));
}

/* podman says nothing of the infra container but what it runs: its own pause program. */
static bool is_infra_of_podman(const json_t *json)
{
	const char *manager = text_of(json_object_get(json, "annotations"), MANAGER_ANNOTATION);
	const json_t *args = json_object_get(json_object_get(json, "process"), "args");
	const char *first = json_string_value(json_array_get(args, 0));
	const char *second = json_string_value(json_array_get(args, 1));

	return manager && strcmp(manager, "libpod") == 0 && json_array_size(args) == 2 && first &&
	       strcmp(first, "/catatonit") == 0 && second && strcmp(second, "-P") == 0;
}

enum pod_role config_pod_role(const json_t *json, const char **sandbox_id)
{
	const json_t *annotations = json_object_get(json, "annotations");

	*sandbox_id = NULL;
	for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
		const char *type = text_of(annotations, callers[i].type);

		if (type && strcmp(type, "sandbox") == 0)
			return POD_SANDBOX;
		if (type && strcmp(type, "container") == 0)
			*sandbox_id = text_of(annotations, callers[i].sandbox_id);
		if (*sandbox_id)
			return POD_MEMBER;
	}
	return is_infra_of_podman(json) ? POD_SANDBOX : POD_NONE;
}
