/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre run: one container in a VM of its own, waited for, or with --detach left running. Options or
 * config.json are read and checked wholly, what is needed is opened, and only then something is made
 * on the host; whatever way it ends, what was made is removed, unless the container lives on.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "creation.h"
#include "layers_show.h"
#include "proto.h"
#include "report.h"
#include "run_config.h"
#include "terminal.h"
#include "timing.h"

static void run_help(void)
{
	printf("nacre run: run a container in a micro-VM and wait for it\n\n"
	       "  nacre run [OPTION...] --rootfs DIR -- ARGV...\n"
	       "  nacre run [OPTION...] --bundle DIR ID\n\n");
	options_print(stdout, &run_option_table);
	printf("\nWhat describes a container, from --name to --net, goes with --rootfs alone.\n"
	       "\nExit status: the process's; 128+N for a signal; 125 nacre's own errors,\n"
	       "126 not executable, 127 not found.\n");
}

/* Options may also stand behind ID, as with runc, but behind the first word of ARGV they are its own. */
static int read_options(int argc, char *argv[], struct run_options *options, struct arena *arena,
			struct failure *failure)
{
	int used = options_parse(&run_option_table, argc, argv, options, arena, failure);
	int more;

	if (used < 0 || options->rootfs || (used > 0 && strcmp(argv[used - 1], "--") == 0))
		return used;
	more = options_parse_all(&run_option_table, argc - used, argv + used, options, arena,
				 failure);
	if (more > 0 && options->rootfs)
		return failure_set(failure, -EINVAL, "run: expected --rootfs before ARGV");
	return more < 0 ? more : used + more;
}

/* *timing_fd is to be written when all is over, or given up if nothing was begun; -1 if nobody asked. */
static int run_prepare(struct creation *creation, struct run_options *options, int argc,
		       char *argv[], int *timing_fd)
{
	struct config_process *process = &creation->config.process;
	int err = creation_read_conf(creation);

	if (!err)
		err = run_config_make(&creation->config, options, argc, argv, &creation->failure);
	if (!err && options->timing) {
		*timing_fd = timing_open(options->timing, &creation->failure);
		err = *timing_fd < 0 ? *timing_fd : 0;
	}
	if (err)
		return err;
	if (!options->detach) {
		if (process->terminal && isatty(STDIN_FILENO) && process->rows == 0 &&
		    process->cols == 0)
			terminal_size(&process->rows, &process->cols);
		process->plain_lines = process->terminal && !isatty(STDOUT_FILENO);
		if (!process->terminal && terminal_is_in_background())
			creation->launch.std[0] = -1;
	}
	return creation_prepare(creation, options->detach);
}

/* The table of the held process, on standard error: standard output is the container's. */
static bool show_layers(struct creation *creation)
{
	static struct layers layers;

	if (!session_reach(&creation->session, SESSION_CREATED))
		return false;
	layers_read(&layers, &creation->state, &creation->config, true);
	layers_print(stderr, &layers, creation->config.id, isatty(STDERR_FILENO));
	return true;
}

static int run_waiting(struct creation *creation, bool with_layers)
{
	bool with_terminal = creation->config.process.terminal && isatty(STDIN_FILENO);
	bool has_run = false;

	creation->launch.end_apart = true;
	if (creation_start(creation, with_terminal) == 0 &&
	    (!with_layers || show_layers(creation)) &&
	    session_reach(&creation->session, SESSION_RUNNING)) {
		has_run = creation_started(creation);
		if (has_run)
			session_reach(&creation->session, SESSION_OVER);
	}
	creation->keep = creation->keep && has_run;
	return creation_undo(creation);
}

static int run_detached(struct creation *creation, bool with_layers)
{
	if (creation_start(creation, false) != 0 ||
	    !session_reach(&creation->session, SESSION_CREATED) ||
	    (with_layers && !show_layers(creation)))
		return creation_undo(creation);
	if (creation->options->console_socket && console_send(&creation->console,
							       &creation->failure) != 0)
		return creation_undo(creation);
	if (!session_reach(&creation->session, SESSION_RUNNING) || !creation_started(creation))
		return creation_undo(creation);
	launch_let_go(&creation->launch);
	return 0;
}

int verb_run(const struct global_options *global, int argc, char *argv[])
{
	static struct creation creation;
	static struct run_options options;
	int status = SESSION_STATUS_NACRE;
	int timing_fd = -1;
	int used, err;

	creation_init(&creation, global, &options.creation);
	used = read_options(argc - 1, argv + 1, &options, global->arena, &creation.failure);
	if (used >= 0 && options.help) {
		run_help();
		return 0;
	}
	creation.keep = options.keep && !options.detach;
	err = used < 0 ? used : run_prepare(&creation, &options, argc - 1 - used, argv + 1 + used,
					    &timing_fd);
	if (!err)
		status = options.detach ? run_detached(&creation, options.layers) :
					  run_waiting(&creation, options.layers);
	else if (err == CONFIG_NOT_FOUND)
		status = FAILED_NOT_FOUND;
	if (timing_fd >= 0 && err)
		timing_give_up(timing_fd, options.timing);
	else if (timing_fd >= 0 && timing_write(timing_fd, options.timing, &creation.failure) != 0)
		status = SESSION_STATUS_NACRE;
	if (creation.failure.text[0])
		report_error("%s", creation.failure.text);
	creation_close(&creation);
	return status;
}
