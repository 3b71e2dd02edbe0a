/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre: runs containers in micro-VMs. `nacre [GLOBAL OPTION...] VERB [OPTION...] ...`; one verb,
 * one file (verb_*.c). Input comes from the caller, who may start containers anyway; what a guest
 * wrote reaches this program only as sanitized lines and an exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "companions.h"
#include "options.h"
#include "report.h"
#include "signals.h"
#include "state.h"
#include "timing.h"
#include "verbs.h"

#define AT(field) offsetof(struct global_options, field)

static const struct option_row rows[] = {
	{ .name = "root", .kind = OPTION_STRING, .argument = "DIR", .offset = AT(root),
	  .help = "where state is kept (/run/nacre)" },
	{ .name = "log", .kind = OPTION_STRING, .argument = "FILE", .offset = AT(log),
	  .help = "write messages here; errors to standard error, too" },
	{ .name = "log-format", .kind = OPTION_STRING, .argument = "text|json",
	  .offset = AT(log_format), .help = "how messages look" },
	{ .name = "debug", .kind = OPTION_FLAG, .offset = AT(debug),
	  .help = "more messages" },
	{ .name = "systemd-cgroup", .kind = OPTION_FLAG, .offset = AT(systemd_cgroup),
	  .help = "have systemd make the cgroups" },
	{ .name = "cgroup-manager", .kind = OPTION_STRING, .argument = "MANAGER",
	  .offset = AT(cgroup_manager), .help = "cgroupfs, systemd or disabled" },
	{ .name = "rootless", .kind = OPTION_STRING, .argument = "auto|true|false",
	  .offset = AT(rootless), .help = "accepted; nacre sees by itself" },
	{ .name = "version", .letter = 'v', .kind = OPTION_FLAG, .offset = AT(version),
	  .help = "release, commit, kernel, init and protocol" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG, .offset = AT(help),
	  .help = "this text; VERB --help tells more" },
};

static const struct option_table global_table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct {
	const char *name;
	verb_fn *verb;
	int error_status;
	const char *help;
} verbs[] = {
	{ "run", verb_run, 125, "run a container in a micro-VM and wait for it" },
	{ "create", verb_create, 1, "make a container that start will run" },
	{ "start", verb_start, 1, "run the process of a created container" },
	{ "state", verb_state, 1, "what a container is now, as JSON" },
	{ "exec", verb_exec, 1, "run a process in a container that runs" },
	{ "ps", verb_ps, 1, "the processes of a container" },
	{ "pause", verb_pause, 1, "stop a container where it is" },
	{ "resume", verb_resume, 1, "let a paused container go on" },
	{ "events", verb_events, 1, "figures of a container, and its want of memory" },
	{ "update", verb_update, 1, "change the limits of a container" },
	{ "kill", verb_kill, 1, "send a signal to a container" },
	{ "delete", verb_delete, 1, "remove a container that has stopped" },
	{ "layers", verb_layers, 1, "which layers protect a container, and the evidence" },
	{ "list", verb_list, 1, "the containers that exist" },
	{ "spec", verb_spec, 1, "write a config.json to begin with" },
	{ "features", verb_features, 1, "what nacre carries out of a configuration, as JSON" },
	{ "template", verb_template, 1, "make what containers of one size can be started from" },
	{ "doctor", verb_doctor, 1, "what this host has and lacks" },
	{ "checkpoint", verb_checkpoint, 1, "not yet supported" },
	{ "restore", verb_checkpoint, 1, "not yet supported" },
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void help_print(void)
{
	printf("nacre: OCI containers in micro-VMs\n\n"
	       "  nacre [OPTION...] VERB [OPTION...] ...\n\n");
	options_print(stdout, &global_table);
	printf("\nVerbs:\n");
	for (size_t i = 0; i < N_VERBS; i++)
		printf("  %-32s %s\n", verbs[i].name, verbs[i].help);
}

/* True when the value is not given or one of the words. */
static bool is_one_of(const char *value, const char *const *words)
{
	while (value && *words && strcmp(value, *words) != 0)
		words++;
	return !value || *words;
}

static int global_check(const struct global_options *global, struct failure *failure)
{
	static const char *const managers[] = { "cgroupfs", "systemd", "disabled", NULL };
	static const char *const answers[] = { "auto", "true", "false", NULL };

	if (!is_one_of(global->cgroup_manager, managers))
		return failure_set(failure, -EINVAL,
				   "--cgroup-manager %s: expected cgroupfs, systemd or disabled",
				   global->cgroup_manager);
	if (!is_one_of(global->rootless, answers))
		return failure_set(failure, -EINVAL, "--rootless %s: expected auto, true or false",
				   global->rootless);
	return 0;
}

/* Opens the log and makes --root absolute. 0 or -errno with the failure set. */
static int global_apply(struct global_options *global, struct failure *failure)
{
	enum report_format format = REPORT_TEXT;
	char cwd[PATH_MAX];
	int err = global_check(global, failure);

	if (err)
		return err;
	if (global->log_format && strcmp(global->log_format, "json") == 0)
		format = REPORT_JSON;
	else if (global->log_format && strcmp(global->log_format, "text") != 0)
		return failure_set(failure, -EINVAL, "--log-format %s: expected text or json",
				   global->log_format);
	err = report_open(global->log, format, global->debug);
	if (err)
		return failure_set(failure, err, "--log %s: expected a file to write: %s",
				   global->log, strerror(-err));
	global->root_given = global->root != NULL;
	if (!global->root)
		global->root = state_default_root(global->arena);
	if (global->root[0] == '\0') /* of a variable that is not set: never the working directory */
		return failure_set(failure, -EINVAL, "--root \"\": expected a directory");
	if (global->root[0] == '/')
		return 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return failure_set(failure, -errno, "--root %s: %s", global->root, strerror(errno));
	global->root = arena_printf(global->arena, "%s/%s", cwd, global->root);
	return 0;
}

static size_t verb_find(const char *name)
{
	size_t i = 0;

	while (i < N_VERBS && strcmp(verbs[i].name, name) != 0)
		i++;
	return i;
}

/* A descriptor that is opened later must not take the place of a closed standard stream. */
static void standard_streams_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			_exit(125);
	}
}

int main(int argc, char *argv[])
{
	struct arena arena = { .blocks = NULL };
	struct global_options global = { .arena = &arena };
	struct failure failure = { .text = "" };
	int status = 1;
	size_t verb;
	int used, at;

	timing_stamp(TIMING_MAIN);
	standard_streams_open();
	signals_keep_children();
	companions_note(); /* who needs it finds out that it failed */
	used = options_parse(&global_table, argc - 1, argv + 1, &global, &arena, &failure);
	at = 1 + (used > 0 ? used : 0);
	verb = used >= 0 && at < argc ? verb_find(argv[at]) : N_VERBS;
	if (used >= 0 && !global.help && !global.version && global_apply(&global, &failure) == 0 &&
	    verb == N_VERBS) {
		if (at < argc)
			failure_set(&failure, -EINVAL, "%s: unknown command", argv[at]);
		else
			failure_set(&failure, -EINVAL, "expected a command; see nacre --help");
	}
	if (failure.text[0]) {
		report_error("%s", failure.text);
		status = verb < N_VERBS ? verbs[verb].error_status : 1;
	} else if (global.help) {
		help_print();
		status = 0;
	} else if (global.version) {
		version_print(&arena);
		status = 0;
	} else {
		status = verbs[verb].verb(&global, argc - at, argv + at);
		report_settle();
	}
	arena_free(&arena);
	return fflush(stdout) == 0 ? status : 1;
}
