/* SPDX-License-Identifier: Apache-2.0 */
/* nacre layers: which layers protect a live container, from what the kernels say now; see layers.h. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "existing.h"
#include "layers.h"
#include "layers_show.h"
#include "query.h"
#include "report.h"

#define STATUS_MISSING 3

struct layers_options {
	bool help, json;
};

static const struct option_row rows[] = {
	{ .name = "json", .kind = OPTION_FLAG, .offset = offsetof(struct layers_options, json),
	  .help = "for programs" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG,
	  .offset = offsetof(struct layers_options, help), .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre layers: the layers around a container that runs; 3 if one is missing",
	.usage = "nacre layers [--json] ID",
	.table = &table,
	.help_offset = offsetof(struct layers_options, help),
	.least = 1,
	.most = 1,
};

/* The guest's word into *guest. 0, or -errno with `why` set. */
static int ask_guest(const struct state *state, struct msg_layers *guest, struct failure *why)
{
	struct query query = { .fd = -1 };
	int err = query_open(&query, state, why);

	if (!err)
		err = query_send(&query, MSG_LAYERS, NULL, 0, why);
	if (!err)
		err = query_receive(&query, QUERY_WAIT_MS, why);
	query_close(&query);
	if (err)
		return err;
	if (query.type != MSG_LAYERS_FOUND || query.body_len != sizeof(*guest))
		return failure_set(why, -EPROTO, "%s: the guest gave an answer of wrong length",
				   state->id);
	memcpy(guest, query.body, sizeof(*guest));
	return 0;
}

void layers_read(struct layers *layers, const struct state *state,
		 const struct container_config *config, bool held)
{
	struct failure why = { .text = "" };
	struct msg_layers guest;
	int err = ask_guest(state, &guest, &why);

	layers_read_host(layers, state, config);
	layers_read_guest(layers, err ? NULL : &guest, why.text, config, held);
}

/* 0, STATUS_MISSING, or -errno with the failure set. */
static int show(const struct state *state, bool json, struct failure *failure)
{
	struct container_config config;
	struct layers layers;
	int err;

	if (state_status(state) == STATE_STOPPED || state_status(state) == STATE_CREATING)
		return failure_set(failure, -ESRCH, "%s: expected a container that is created or "
				   "runs", state->id);
	if (state->vmm.pid == 0)
		return failure_set(failure, -ENOTSUP, "%s: " STATE_NO_VM, state->id);
	config_init(&config);
	err = state_read_config(state, &config, failure);
	if (!err) {
		layers_read(&layers, state, &config, state_status(state) == STATE_CREATED);
		if (json)
			layers_print_json(stdout, &layers, state->id);
		else
			layers_print(stdout, &layers, state->id, isatty(STDOUT_FILENO));
		err = layers_any_missing(&layers) ? STATUS_MISSING : 0;
	}
	config_free(&config);
	return err;
}

int verb_layers(const struct global_options *global, int argc, char *argv[])
{
	struct layers_options options = { .help = false };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);
	int status = 0;

	if (at > 0 && state_open(&state, global->root, argv[at], global->arena, &failure) == 0)
		status = show(&state, options.json, &failure);
	return existing_end(&state, &failure) ? 1 : status;
}
