/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre ps: the processes of a container, with the numbers that they have in it, as its own ps would
 * show them. The guest tells. Of a container without a VM there is nobody to ask, and there are none.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "child.h"
#include "existing.h"
#include "ps_columns.h"
#include "ps_options.h"
#include "query.h"

/* More than a guest's pid_max is not believed. */
#define PROCESSES_MAX 4194304u
/* For all of a list: a guest that is slow with each of many messages would hold up who asks for days. */
#define LIST_WAIT_MS 60000

struct ps_options {
	bool help;
	const char *format;
};

#define AT(field) offsetof(struct ps_options, field)

static const struct option_row rows[] = {
	{ .name = "format", .letter = 'f', .kind = OPTION_STRING, .argument = "table|json",
	  .offset = AT(format), .help = "how the list looks" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG, .offset = AT(help),
	  .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre ps: the processes of a container",
	.usage = "nacre ps [--format table|json] ID [OPTION-OF-PS...]",
	.table = &table,
	.help_offset = AT(help),
	.options_first = true,
	.least = 1,
	.most = 64,
};

typedef void show_fn(const struct msg_process *process, void *ctx);

static void show_row(const struct msg_process *process, void *ctx)
{
	ps_table_print(ctx, process, stdout);
}

static void add_pid(const struct msg_process *process, void *ctx)
{
	json_array_append_new(ctx, json_integer((json_int_t)le32_get(process->pid)));
}

/*
 * Shows each process of the list that was asked for; below a line of headings if there is to be one.
 * 0, or -errno with the failure set.
 */
static int receive_list(struct query *query, const struct ps_table *head, show_fn *show, void *ctx,
			struct failure *failure)
{
	const int64_t deadline = child_now_ms() + LIST_WAIT_MS;
	const size_t size = sizeof(struct msg_process);
	size_t n = 0;

	for (;;) {
		int64_t left = deadline - child_now_ms();
		int err = query_receive(query, left > QUERY_WAIT_MS ? QUERY_WAIT_MS : left > 0 ? (int)left : 0,
					failure);

		if (err)
			return err;
		if (head)
			ps_table_print_head(head, stdout);
		head = NULL;
		if (query->type == MSG_DONE && query->body_len == 0)
			return 0;
		if (query->type != MSG_PROCESSES || query->body_len == 0 ||
		    query->body_len % size != 0 || n > PROCESSES_MAX)
			return failure_set(failure, -EPROTO, "%s: the guest's list is damaged",
					   query->id);
		for (size_t at = 0; at < query->body_len; at += size, n++) {
			struct msg_process process;

			memcpy(&process, query->body + at, size);
			show(&process, ctx);
		}
	}
}

/*
 * What has stopped has no processes, which is an answer, as with runc; nor has the sandbox of a pod, a monitor
 * alone: containerd's shim goes through the list.
 */
static bool has_processes(const struct state *state)
{
	enum state_status status = state_status(state);

	return status != STATE_STOPPED && (state->vmm.pid || status == STATE_CREATING);
}

/* Asks the guest and shows its list, as receive_list(). */
static int ask_list(const struct state *state, const struct ps_table *head, show_fn *show, void *ctx,
		    struct failure *failure)
{
	struct query query;
	int err;

	if (!has_processes(state)) {
		if (head)
			ps_table_print_head(head, stdout);
		return 0;
	}
	err = query_open(&query, state, failure);
	if (!err)
		err = query_send(&query, MSG_LIST, NULL, 0, failure);
	if (!err)
		err = receive_list(&query, head, show, ctx, failure);
	query_close(&query);
	return err;
}

static void ps_as_json(const struct state *state, struct failure *failure)
{
	json_t *pids = json_array();

	if (ask_list(state, NULL, add_pid, pids, failure) == 0) {
		json_dumpf(pids, stdout, JSON_COMPACT);
		putchar('\n');
	}
	json_decref(pids);
}

static int open_to_list(struct state *state, const struct global_options *global, const char *id,
			struct failure *failure)
{
	int err = state_open(state, global->root, id, global->arena, failure);

	if (err || !has_processes(state))
		return err;
	return existing_check_running(state, "list the processes of", failure);
}

int verb_ps(const struct global_options *global, int argc, char *argv[])
{
	struct ps_options options = { .help = false };
	struct ps_table columns = { .now = time(NULL) };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);
	bool as_json = options.format && strcmp(options.format, "json") == 0;

	if (at > 0 && options.format && !as_json && strcmp(options.format, "table") != 0)
		at = failure_set(&failure, -EINVAL, "--format %s: expected table or json",
				 options.format);
	if (at > 0 && ps_options_read(&columns, argc - at - 1, argv + at + 1, global->arena,
				      &failure) != 0)
		at = -EINVAL;
	if (at > 0 && open_to_list(&state, global, argv[at], &failure) == 0) {
		columns.memory = state.size.memory;
		if (as_json)
			ps_as_json(&state, &failure);
		else
			ask_list(&state, &columns, show_row, &columns, &failure);
	}
	return existing_end(&state, &failure);
}
