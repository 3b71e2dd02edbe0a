/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre events: what the guest's kernel counts of a container, once (--stats) or every interval, and
 * each time that it killed for want of memory. One JSON object a line, as runc prints it. Ends when
 * the container does.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "child.h"
#include "existing.h"
#include "query.h"
#include "stats_json.h"

#define INTERVAL_MAX_MS 86400000L /* a day */

struct events_options {
	bool help, stats;
	const char *interval;
};

#define AT(field) offsetof(struct events_options, field)

static const struct option_row rows[] = {
	{ .name = "stats", .kind = OPTION_FLAG, .offset = AT(stats),
	  .help = "print the figures once" },
	{ .name = "interval", .kind = OPTION_STRING, .argument = "TIME", .offset = AT(interval),
	  .help = "how often to print the figures (5s)" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG, .offset = AT(help),
	  .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre events: figures of a container, and its want of memory",
	.usage = "nacre events [--stats] [--interval TIME] ID",
	.table = &table,
	.help_offset = AT(help),
	.least = 1,
	.most = 1,
};

/* "500ms", "5s", "1m", "1h". Milliseconds, or -1. */
static int interval_parse(const char *text)
{
	static const struct {
		const char *unit;
		long ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	char *unit;
	long n;

	errno = 0;
	n = strtol(text, &unit, 10);
	if (errno || unit == text || text[0] < '0' || text[0] > '9')
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].unit) == 0)
			return n > 0 && n <= INTERVAL_MAX_MS / units[i].ms ? (int)(n * units[i].ms)
									   : -1;
	}
	return -1;
}

static void print_line(json_t *event)
{
	json_dumpf(event, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(event);
}

static int print_stats(struct query *query, struct failure *failure)
{
	int err = query_send(query, MSG_STATS, NULL, 0, failure);
	json_t *event;

	if (!err)
		err = query_receive(query, QUERY_WAIT_MS, failure);
	if (err)
		return err;
	event = query->type == MSG_FIGURES ? stats_as_json(query->id, query->body, query->body_len)
					   : NULL;
	if (!event)
		return failure_set(failure, -EPROTO, "%s: the guest's figures are damaged",
				   query->id);
	print_line(event);
	return 0;
}

/* One message of the connection that watches. */
static int print_oom(struct query *watch, struct failure *failure)
{
	int err = query_receive(watch, QUERY_WAIT_MS, failure);

	if (err)
		return err;
	if (watch->type != MSG_OOM || watch->body_len != 0)
		return failure_set(failure, -EPROTO, "%s: the guest broke the control protocol",
				   watch->id);
	print_line(event_as_json(watch->id, "oom"));
	return 0;
}

/* Until the guest closes, or nobody reads. */
static int follow(struct query *query, struct query *watch, int interval, struct failure *failure)
{
	int64_t next = child_now_ms() + interval;
	int err = query_send(watch, MSG_WATCH, NULL, 0, failure);

	while (!err) {
		struct pollfd fds[2] = { { .fd = watch->fd, .events = POLLIN },
					 { .fd = STDOUT_FILENO } };
		int64_t left = next - child_now_ms();
		int n = poll(fds, 2, left > 0 ? (int)left : 0);

		if (fds[1].revents & (POLLERR | POLLNVAL))
			return 0;
		if (n > 0 && fds[0].revents)
			err = print_oom(watch, failure);
		else if (child_now_ms() >= next) {
			err = print_stats(query, failure);
			next = child_now_ms() + interval;
		}
	}
	if (err == -ECONNRESET) { /* the container has ended, and with it its events */
		failure->text[0] = '\0';
		err = 0;
	}
	return err;
}

static int show_events(const struct state *state, bool once, int interval, struct failure *failure)
{
	struct query query = { .fd = -1 }, watch = { .fd = -1 };
	int err = query_open(&query, state, failure);

	if (!err && !once)
		err = query_open(&watch, state, failure);
	if (!err)
		err = once ? print_stats(&query, failure)
			   : follow(&query, &watch, interval, failure);
	query_close(&query);
	query_close(&watch);
	return err;
}

int verb_events(const struct global_options *global, int argc, char *argv[])
{
	struct events_options options = { .interval = "5s" };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);
	int interval = interval_parse(options.interval);

	if (at > 0 && interval < 0)
		failure_set(&failure, -EINVAL, "--interval %s: expected a time like 500ms, 5s, 1m",
			    options.interval);
	else if (at > 0 &&
		 existing_open_running(&state, global, argv[at], "show events of", &failure) == 0)
		show_events(&state, options.stats, interval, &failure);
	return existing_end(&state, &failure);
}
