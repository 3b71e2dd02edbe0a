/* SPDX-License-Identifier: Apache-2.0 */
/* nacre list: the containers below ROOT, as a table, as JSON or by name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "existing.h"
#include "report.h"

struct list_options {
	bool help, quiet;
	const char *format;
};

#define AT(field) offsetof(struct list_options, field)

static const struct option_row rows[] = {
	{ .name = "format", .letter = 'f', .kind = OPTION_STRING, .argument = "table|json",
	  .offset = AT(format), .help = "how the list looks" },
	{ .name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .offset = AT(quiet),
	  .help = "names only" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG, .offset = AT(help),
	  .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre list: the containers that exist",
	.usage = "nacre list [--format table|json] [--quiet]",
	.table = &table,
	.help_offset = AT(help),
};

/* The containers as state_as_oci() has each, sorted by name; those that can be read. */
static json_t *list_read(const struct global_options *global, struct failure *error)
{
	struct string_list ids = { .n = 0 };
	int unread = state_ids(global->root, &ids, global->arena);
	json_t *list = json_array();

	/* before the first container there is none where nacre makes it by itself */
	if (unread && (unread != -ENOENT || global->root_given))
		failure_set(error, unread, "--root %s: %s", global->root, strerror(-unread));
	for (size_t i = 0; i < ids.n; i++) {
		struct failure failure = { .text = "" };
		struct state state = STATE_NONE;
		int err = state_open(&state, global->root, ids.v[i], global->arena, &failure);

		if (!err)
			json_array_append_new(list, state_as_oci(&state, state_status(&state)));
		else if (err != -ENOENT) /* gone meanwhile, or no container */
			report_warning("%s", failure.text);
		state_close(&state);
	}
	return list;
}

static const char *text_of(const json_t *container, const char *name)
{
	const char *text = json_string_value(json_object_get(container, name));

	return text ? text : "";
}

static void table_print(const json_t *list)
{
	size_t id_width = 2, bundle_width = 6;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *container = json_array_get(list, i);
		size_t id_len = strlen(text_of(container, "id"));
		size_t bundle_len = strlen(text_of(container, "bundle"));

		id_width = id_len > id_width ? id_len : id_width;
		bundle_width = bundle_len > bundle_width ? bundle_len : bundle_width;
	}
	printf("%-*s  %-8s  %-8s  %-*s  %-20s  %s\n", (int)id_width, "ID", "PID", "STATUS",
	       (int)bundle_width, "BUNDLE", "CREATED", "OWNER");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *container = json_array_get(list, i);

		printf("%-*s  %-8d  %-8s  %-*s  %-20s  %s\n", (int)id_width,
		       text_of(container, "id"),
		       (int)json_integer_value(json_object_get(container, "pid")),
		       text_of(container, "status"), (int)bundle_width,
		       text_of(container, "bundle"), text_of(container, "created"),
		       text_of(container, "owner"));
	}
}

static void list_print(const json_t *list, const struct list_options *options)
{
	if (options->quiet) {
		for (size_t i = 0; i < json_array_size(list); i++)
			printf("%s\n", text_of(json_array_get(list, i), "id"));
	} else if (options->format && strcmp(options->format, "json") == 0) {
		json_dumpf(list, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		table_print(list);
	}
}

int verb_list(const struct global_options *global, int argc, char *argv[])
{
	struct list_options options = { .help = false };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);
	json_t *list;

	if (at > 0 && options.format && strcmp(options.format, "json") != 0 &&
	    strcmp(options.format, "table") != 0)
		failure_set(&failure, -EINVAL, "--format %s: expected table or json",
			    options.format);
	else if (at > 0) {
		list = list_read(global, &failure);
		if (!failure.text[0])
			list_print(list, &options);
		json_decref(list);
	}
	return existing_end(&state, &failure);
}
