/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre create (OCI runtime-spec 1.2 runtime.md "Create"): makes the container up to the execve() of
 * its process, which waits for start. When it returns, monitor, VMM and file broker live on, and
 * what was made is delete's to remove; when it fails, nothing is left.
 */
#include <errno.h>
#include <stdio.h>

#include "creation.h"
#include "pid_file.h"
#include "report.h"
#include "run_config.h"

struct create_options {
	struct creation_options creation;
	bool help;
};

static const struct option_row rows[] = {
	CREATION_OPTION_ROWS(offsetof(struct create_options, creation)),
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG,
	  .offset = offsetof(struct create_options, help), .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static int create_prepare(struct creation *creation, int argc, char *argv[])
{
	int err = creation_read_conf(creation);

	if (!err)
		err = run_config_from_bundle(&creation->config, "create", creation->options,
					     argc, argv, &creation->failure);
	creation->is_started_later = true;
	return err ? err : creation_prepare(creation, true);
}

/* The container is held: hands it over to whoever calls start. */
static int create_hand_over(struct creation *creation)
{
	struct launch *launch = &creation->launch;
	int err = 0;

	if (creation->options->console_socket)
		err = console_send(&creation->console, &creation->failure);
	if (!err)
		err = launch_detach(launch, &creation->failure);
	if (!err)
		err = pid_file_write(creation->options->pid_file, launch->monitor.pid,
				     &creation->failure);
	return err;
}

static int create_container(struct creation *creation)
{
	if (creation_start(creation, false) != 0 ||
	    !session_reach(&creation->session, SESSION_CREATED) ||
	    create_hand_over(creation) != 0) {
		int status = creation_undo(creation);

		if (status > 128) /* an engine shows what its log says, and no status */
			failure_set(&creation->failure, -EINTR, "%s: create was ended by signal %d",
				    creation->config.id, status - 128);
		return 1;
	}
	report_settle();
	creation_note_boot(creation);
	launch_let_go(&creation->launch);
	return 0;
}

int verb_create(const struct global_options *global, int argc, char *argv[])
{
	static struct creation creation;
	static struct create_options options;
	int status = 1;
	int used;

	creation_init(&creation, global, &options.creation);
	used = options_parse_all(&table, argc - 1, argv + 1, &options, global->arena,
				 &creation.failure);
	if (used >= 0 && options.help) {
		printf("nacre create: make a container that start will run\n\n"
		       "  nacre create [OPTION...] ID\n\n");
		options_print(stdout, &table);
		return 0;
	}
	if (used >= 0 && create_prepare(&creation, argc - 1 - used, argv + 1 + used) == 0)
		status = create_container(&creation);
	if (creation.failure.text[0])
		report_error("%s", creation.failure.text);
	creation_close(&creation);
	return status;
}
