/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre kill (OCI runtime-spec 1.2 runtime.md "Kill"): sends a signal to the container's process, by
 * way of its monitor, which passes on every signal that can be caught. SIGKILL ends the monitor, and
 * the guest kills what belonged to its connection. With --all and --pid the guest sends it.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

#include "existing.h"
#include "fd.h"
#include "matching.h"
#include "query.h"
#include "signal_names.h"

struct kill_options {
	bool help, all, regex;
	uint64_t pid; /* 0: not given */
};

#define AT(field) offsetof(struct kill_options, field)

static const struct option_row rows[] = {
	{ .name = "all", .letter = 'a', .kind = OPTION_FLAG, .offset = AT(all),
	  .help = "to every process of the container" },
	{ .name = "pid", .kind = OPTION_NUMBER, .argument = "PID", .offset = AT(pid), .min = 1,
	  .max = 4194304, .expected = "a process' number in the container, as ps shows it",
	  .help = "to this process of the container" },
	{ .name = "regex", .letter = 'r', .kind = OPTION_FLAG, .offset = AT(regex),
	  .help = "ID is a regular expression: every container that it fits" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG, .offset = AT(help),
	  .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre kill: send a signal (TERM if not given) to a container",
	.usage = "nacre kill [--all|--pid PID] [--regex] ID [SIGNAL]",
	.table = &table,
	.help_offset = AT(help),
	.least = 1,
	.most = 2,
};

static int kill_container(const struct state *state, int signo, struct failure *failure)
{
	enum state_status status = state_status(state);
	autoclose int pidfd = -1;

	/* "Attempting to send a signal to a container that is neither created nor running MUST
	 * have no effect on the container and MUST generate an error." */
	if (status != STATE_CREATED && status != STATE_RUNNING && status != STATE_PAUSED)
		return failure_set(failure, -ESRCH, "%s: container not running: it is %s",
				   state->id, state_status_name(status));
	pidfd = process_ref_open(&state->monitor);
	if (pidfd < 0)
		return failure_set(failure, -ESRCH, "%s: container not running", state->id);
	if (pidfd_send_signal(pidfd, signo, NULL, 0) < 0)
		return failure_set(failure, -errno, "%s: cannot send signal %d: %s", state->id,
				   signo, strerror(errno));
	return 0;
}

/* To other processes than the container's own: only the guest knows them. */
static int kill_inside(const struct state *state, uint64_t pid, int signo, struct failure *failure)
{
	struct msg_kill order = { .signo = le32_of((uint32_t)signo),
				  .pid = le32_of((uint32_t)pid) };
	struct query query;
	int err = query_open(&query, state, failure);

	if (!err)
		err = query_order(&query, MSG_KILL, &order, sizeof(order), QUERY_WAIT_MS, failure);
	query_close(&query);
	return err;
}

/*
 * A paused guest kills nobody, a pod's sandbox has none; the end of the monitor ends them. All of a
 * container that has stopped are none, which is no error to runc's callers. Signal 0 asks whether it lives.
 */
static int kill_as_asked(const struct state *state, const struct kill_options *options, int signo,
			 struct failure *failure)
{
	enum state_status status = state_status(state);

	if (options->all && status == STATE_STOPPED)
		return 0;
	if ((options->all || options->pid) && signo > 0 && status == STATE_RUNNING &&
	    state->vmm.pid) {
		int err = kill_inside(state, options->pid, signo, failure);

		if (!err || options->pid || signo != SIGKILL)
			return err;
		/* a guest that was taken over need not answer; without its monitor it ends all the same */
		failure->text[0] = '\0';
		return state_status(state) == STATE_STOPPED ? 0 : kill_container(state, signo, failure);
	}
	/* the one signal that would reach the monitor itself, and not the process behind it */
	if (signo == SIGSTOP && status == STATE_RUNNING && state->vmm.pid)
		return kill_inside(state, 1, signo, failure);
	if (options->pid)
		return failure_set(failure, -ESRCH, "%s: container not running: it is %s",
				   state->id, state_status_name(status));
	return kill_container(state, signo, failure);
}

/* One container, from its name on. The verb's exit status. */
static int kill_named(const struct global_options *global, const char *id,
		      const struct kill_options *options, int signo)
{
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;

	if (state_open(&state, global->root, id, global->arena, &failure) == 0)
		kill_as_asked(&state, options, signo, &failure);
	return existing_end(&state, &failure);
}

int verb_kill(const struct global_options *global, int argc, char *argv[])
{
	struct kill_options options = { .help = false };
	struct string_list ids = { .n = 0 };
	struct failure failure = { .text = "" };
	struct state none = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);
	const char *name = at > 0 && at + 1 < argc ? argv[at + 1] : "TERM";
	int signo = signal_number(name), status = 0;

	if (at > 0 && signo < 0)
		at = failure_set(&failure, -EINVAL,
				 "%s: unknown signal: expected a name like TERM or SIGTERM, or 0 to 64",
				 name);
	if (at <= 0 || (options.regex && matching_ids(global->root, argv[at], &ids, global->arena,
						      &failure) != 0))
		return existing_end(&none, &failure);
	if (!options.regex)
		return kill_named(global, argv[at], &options, signo);
	for (size_t i = 0; i < ids.n; i++)
		status |= kill_named(global, ids.v[i], &options, signo);
	return status;
}
