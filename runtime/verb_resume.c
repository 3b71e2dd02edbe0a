/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre resume: lets the processors of a paused container's VM run again. The guest's clock is set by
 * the host's, whatever its own way of keeping time made of the pause.
 */
#include <errno.h>

#include "existing.h"
#include "query.h"
#include "report.h"
#include "vm_order.h"

struct resume_options {
	bool help;
};

static const struct option_row rows[] = {
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG,
	  .offset = offsetof(struct resume_options, help), .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre resume: let a paused container go on",
	.usage = "nacre resume ID",
	.table = &table,
	.help_offset = offsetof(struct resume_options, help),
	.least = 1,
	.most = 1,
};

/* A guest that does not listen runs all the same. */
static void set_clock(const struct state *state)
{
	struct failure failure = { .text = "" };
	struct query query;

	if (query_open(&query, state, &failure) == 0)
		query_set_clock(&query, &failure);
	query_close(&query);
	if (failure.text[0])
		report_warning("%s", failure.text);
}

static int resume_container(struct state *state, struct failure *failure)
{
	enum state_status status = state_status(state);
	int err = 0;

	if (!state->paused || status == STATE_STOPPED || status == STATE_CREATING)
		return failure_set(failure, -EINVAL,
				   "%s: cannot resume a container that is %s: container not paused",
				   state->id, state_status_name(status));
	/* the sandbox of a pod has none */
	if (state->vmm.pid)
		err = vm_order(state, VM_ORDER_RESUME, failure);
	if (err)
		return err;
	state->paused = false;
	err = state_write(state, failure);
	if (state->vmm.pid)
		set_clock(state);
	return err;
}

int verb_resume(const struct global_options *global, int argc, char *argv[])
{
	struct resume_options options = { .help = false };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);

	if (at > 0 && state_open_locked(&state, global->root, argv[at], STATE_LOCK_MS,
					global->arena, &failure) == 0)
		resume_container(&state, &failure);
	return existing_end(&state, &failure);
}
