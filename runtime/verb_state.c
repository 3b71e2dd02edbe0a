/* SPDX-License-Identifier: Apache-2.0 */
/* nacre state (OCI runtime-spec 1.2 runtime.md "State" and "Query State"). */
#include <stdio.h>

#include <jansson.h>

#include "existing.h"

struct state_options {
	bool help;
};

static const struct option_row rows[] = {
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG,
	  .offset = offsetof(struct state_options, help), .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre state: what a container is now, as JSON",
	.usage = "nacre state ID",
	.table = &table,
	.help_offset = offsetof(struct state_options, help),
	.least = 1,
	.most = 1,
};

int verb_state(const struct global_options *global, int argc, char *argv[])
{
	struct state_options options = { .help = false };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);

	if (at > 0 &&
	    state_open(&state, global->root, argv[at], global->arena, &failure) == 0) {
		json_t *json = state_as_oci(&state, state_status(&state));

		json_dumpf(json, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(json);
	}
	return existing_end(&state, &failure);
}
