/* SPDX-License-Identifier: Apache-2.0 */
/* Annotations that act; see annotations.h. */
#include <string.h>

#include <jansson.h>

#include "annotations.h"
#include "blocks.h"
#include "report.h"

static int add_blocks(struct container_config *config, const char *text, struct failure *failure)
{
	char *rest = arena_printf(&config->arena, "%s", text), *one;
	int err = 0;

	while (!err && (one = strsep(&rest, ",")))
		err = blocks_add(config, one, "annotation " CONF_ANNOTATION_BLOCK, failure);
	return err;
}

int annotations_apply(struct container_config *config, struct conf *conf, struct failure *failure)
{
	json_t *annotations = json_object_get(config->json, "annotations");
	const char *name;
	json_t *value;
	int err = 0;

	json_object_foreach(annotations, name, value) {
		const char *text = json_string_value(value);
		bool is_block = strcmp(name, CONF_ANNOTATION_BLOCK) == 0;

		if (!text || strncmp(name, CONF_ANNOTATION_PREFIX, strlen(CONF_ANNOTATION_PREFIX)) != 0)
			continue;
		if (!is_block && !conf_annotation_is_key(name))
			report_warning("annotations: %s: ignored: unknown", name);
		else if (!conf_allows(conf, name))
			report_warning("annotations: %s: ignored: not in allow_annotations of nacre.conf",
				       name);
		else if (is_block)
			err = add_blocks(config, text, failure);
		else
			err = conf_set_annotation(conf, name, text, &config->arena, failure);
		if (err)
			break;
	}
	return err;
}
