/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre ps: the processes of a container, with the numbers that they have in it, as its own ps would
 * show them. The guest tells; what it writes is shown without what could drive a terminal.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "existing.h"
#include "query.h"

/* More than a guest's pid_max is not believed. */
#define PROCESSES_MAX 4194304u

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
	.usage = "nacre ps [--format table|json] ID",
	.table = &table,
	.help_offset = AT(help),
	.least = 1,
	.most = 1,
};

typedef void show_fn(const struct msg_process *process, void *ctx);

static void show_row(const struct msg_process *process, void *ctx)
{
	uint64_t seconds = le64_get(process->cpu_ms) / 1000;
	time_t started = (time_t)le64_get(process->started);
	char command[PROTO_COMMAND_MAX + 1], time_text[16] = "?";
	struct tm local;

	(void)ctx;
	memcpy(command, process->command, PROTO_COMMAND_MAX);
	command[PROTO_COMMAND_MAX] = '\0';
	for (char *at = command; *at; at++) {
		if (*at < ' ' || *at > '~')
			*at = '?';
	}
	if (localtime_r(&started, &local))
		strftime(time_text, sizeof(time_text), "%H:%M", &local);
	printf("%-8" PRIu32 " %7" PRIu32 " %7" PRIu32 " %5s %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64
	       " %s\n",
	       le32_get(process->uid), le32_get(process->pid), le32_get(process->parent), time_text,
	       seconds / 3600, seconds / 60 % 60, seconds % 60, command);
}

static void add_pid(const struct msg_process *process, void *ctx)
{
	json_array_append_new(ctx, json_integer((json_int_t)le32_get(process->pid)));
}

/* Shows each process of the list that was asked for. 0, or -errno with the failure set. */
static int receive_list(struct query *query, show_fn *show, void *ctx, struct failure *failure)
{
	const size_t size = sizeof(struct msg_process);
	size_t n = 0;

	for (;;) {
		int err = query_receive(query, QUERY_WAIT_MS, failure);

		if (err)
			return err;
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

static int ps_container(const struct state *state, bool as_json, struct failure *failure)
{
	json_t *pids = as_json ? json_array() : NULL;
	struct query query;
	int err = query_open(&query, state, failure);

	if (!err)
		err = query_send(&query, MSG_LIST, NULL, 0, failure);
	if (!err && !as_json)
		printf("%-8s %7s %7s %5s %8s %s\n", "UID", "PID", "PPID", "STIME", "TIME", "CMD");
	if (!err)
		err = receive_list(&query, as_json ? add_pid : show_row, pids, failure);
	if (!err && as_json) {
		json_dumpf(pids, stdout, JSON_COMPACT);
		putchar('\n');
	}
	json_decref(pids);
	query_close(&query);
	return err;
}

int verb_ps(const struct global_options *global, int argc, char *argv[])
{
	struct ps_options options = { .help = false };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);
	bool as_json = options.format && strcmp(options.format, "json") == 0;

	if (at > 0 && options.format && !as_json && strcmp(options.format, "table") != 0)
		failure_set(&failure, -EINVAL, "--format %s: expected table or json",
			    options.format);
	else if (at > 0 &&
		 existing_open_running(&state, global, argv[at], "list the processes of",
				       &failure) == 0)
		ps_container(&state, as_json, &failure);
	return existing_end(&state, &failure);
}
