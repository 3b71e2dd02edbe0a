/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre pause: stops the processors of the container's VM. First the guest writes its files out, so
 * that who looks at them meanwhile (commit, cp) sees what the processes had written. In the sandbox of a
 * pod nothing runs that could be stopped: it is noted, for engines that pause all of a pod.
 */
#include <errno.h>

#include "existing.h"
#include "query.h"
#include "report.h"
#include "vm_order.h"

struct pause_options {
	bool help;
};

static const struct option_row rows[] = {
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG,
	  .offset = offsetof(struct pause_options, help), .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre pause: stop a container where it is, until resume",
	.usage = "nacre pause ID",
	.table = &table,
	.help_offset = offsetof(struct pause_options, help),
	.least = 1,
	.most = 1,
};

/* What the guest says to that is its own word: one that was taken over must not keep anybody from pausing it. */
static void sync_files(const struct state *state)
{
	struct failure failure = { .text = "" };
	struct query query;
	int err = query_open(&query, state, &failure);

	if (!err)
		err = query_order(&query, MSG_SYNC, NULL, 0, QUERY_SYNC_MS, &failure);
	query_close(&query);
	if (err)
		report_warning("%s; it is paused without its files having been written out", failure.text);
}

static int pause_container(struct state *state, struct failure *failure)
{
	enum state_status status = state_status(state);
	bool has_vm = state->vmm.pid != 0;
	int err;

	if (status != STATE_RUNNING)
		return failure_set(failure, -EINVAL,
				   "%s: cannot pause a container that is %s: container not running",
				   state->id, state_status_name(status));
	if (has_vm)
		sync_files(state);
	/* First what the state says: if this nacre is killed in between, resume puts both right. */
	state->paused = true;
	err = state_write(state, failure);
	if (!err && has_vm)
		err = vm_order(state, VM_ORDER_PAUSE, failure);
	if (err && state->paused) {
		struct failure ignored = { .text = "" };

		state->paused = false;
		state_write(state, &ignored);
	}
	return err;
}

int verb_pause(const struct global_options *global, int argc, char *argv[])
{
	struct pause_options options = { .help = false };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);

	if (at > 0 && state_open_locked(&state, global->root, argv[at], STATE_LOCK_MS,
					global->arena, &failure) == 0)
		pause_container(&state, &failure);
	return existing_end(&state, &failure);
}
