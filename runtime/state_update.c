/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of a container that was changed while it ran; see state.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "fd.h"
#include "json_document.h"
#include "json_reader.h"
#include "file_replace.h"
#include "state.h"
#include "state_files.h"

/* The object of that name in another, made if need be. */
static json_t *object_in(json_t *json, const char *name)
{
	json_t *object = json_object_get(json, name);

	if (!json_is_object(object)) {
		object = json_object();
		json_object_set_new(json, name, object);
	}
	return object;
}

/* Of these alone the 0 is a value: it takes them back (config_resources.c). */
static bool is_taken_back(const char *name, const json_t *value)
{
	return (strcmp(name, "idle") == 0 || strcmp(name, "burst") == 0) && json_is_integer(value);
}

/* What an engine writes as 0 or null it has not asked for: it stays as it was. */
static void drop_what_says_nothing(json_t *resources)
{
	const char *name;
	json_t *part;
	void *next;

	json_object_foreach_safe(resources, next, name, part) {
		if (json_is_object(part))
			drop_what_says_nothing(part);
		if (json_is_object(part) ? json_object_size(part) == 0
					 : json_says_nothing(part) && !is_taken_back(name, part))
			json_object_del(resources, name);
	}
}

static int write_merged(const struct state *state, const char *name, json_t *json,
			json_t *resources)
{
	/* config.json has them below "linux", what was made from options beside the rest */
	json_t *parent = strcmp(name, STATE_CONFIG_FILE) == 0 ? object_in(json, "linux") : json;
	char *text = NULL;
	int err = -ENOMEM;

	drop_what_says_nothing(resources);
	if (json_object_update_recursive(object_in(parent, "resources"), resources) == 0)
		text = json_dumps(json, JSON_INDENT(1));
	if (text)
		err = file_replace(state->dir_fd, name, text, strlen(text), 0600);
	free(text);
	return err;
}

int state_save_resources(const struct state *state, json_t *resources, struct failure *failure)
{
	static const char *const names[] = { STATE_CONFIG_FILE, STATE_PROCESS_FILE };
	int err = -ENOENT;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && err == -ENOENT; i++) {
		autoclose int fd = openat(state->dir_fd, names[i],
					  O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		json_error_t error;
		json_t *json;

		if (fd < 0) {
			err = -errno;
			continue;
		}
		json = json_document_read(fd, &error);
		err = json_is_object(json) ? write_merged(state, names[i], json, resources) : -EIO;
		json_decref(json);
	}
	return err ? failure_set(failure, err, "%s: the limits are changed, but cannot be noted: %s",
				 state->dir, strerror(-err))
		   : 0;
}
