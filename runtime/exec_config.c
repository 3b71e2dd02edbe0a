/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `nacre exec` is asked to run; see exec_config.h. --process is a "process" of config.json (OCI
 * runtime-spec 1.2 config.md "Process"); what it leaves out is the container's, as with runc.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "caps.h"
#include "config_parts.h"
#include "exec_config.h"
#include "json_document.h"
#include "process_options.h"
#include "report.h"
#include "size.h"

#define AT(field) offsetof(struct exec_options, field)

static const struct option_row rows[] = {
	{ .name = "process", .letter = 'p', .kind = OPTION_STRING, .argument = "FILE|-",
	  .offset = AT(process), .help = "the process as JSON, as in config.json; - reads it from "
	  "standard input" },
	{ .name = "detach", .letter = 'd', .kind = OPTION_FLAG, .offset = AT(detach),
	  .help = "end once the process runs" },
	{ .name = "pid-file", .kind = OPTION_STRING, .argument = "FILE", .offset = AT(pid_file),
	  .help = "write the pid that stands for the process here" },
	{ .name = "console-socket", .kind = OPTION_STRING, .argument = "SOCKET",
	  .offset = AT(console_socket), .help = "send the terminal to this UNIX socket" },
	{ .name = "tty", .letter = 't', .kind = OPTION_FLAG, .offset = AT(tty),
	  .help = "give the process a terminal" },
	{ .name = "user", .letter = 'u', .kind = OPTION_STRING, .argument = "UID[:GID]",
	  .offset = AT(user), .help = "who the process is, by number" },
	{ .name = "additional-gids", .letter = 'g', .kind = OPTION_LIST, .argument = "GID",
	  .offset = AT(groups), .help = "one more group (repeatable)" },
	{ .name = "cwd", .letter = 'w', .kind = OPTION_STRING, .argument = "DIR", .offset = AT(cwd),
	  .help = "its working directory" },
	{ .name = "env", .letter = 'e', .kind = OPTION_LIST, .argument = "NAME=VALUE",
	  .offset = AT(env), .help = "set a variable of its environment (repeatable)" },
	{ .name = "cap", .letter = 'c', .kind = OPTION_LIST, .argument = "CAP", .offset = AT(caps),
	  .help = "one more capability (repeatable)" },
	{ .name = "no-new-privs", .kind = OPTION_FLAG, .offset = AT(no_new_privs),
	  .help = "it can gain no privilege by execve()" },
	{ .name = "preserve-fds", .kind = OPTION_NUMBER, .argument = "N",
	  .offset = AT(preserve_fds), .max = 1024, .expected = "a number of descriptors",
	  .help = "descriptors from 3 on that it gets; byte streams only" },
	{ .name = "process-label", .kind = OPTION_STRING, .argument = "LABEL",
	  .offset = AT(process_label), .help = "its label of SELinux where the guest has a policy" },
	{ .name = "apparmor", .kind = OPTION_STRING, .argument = "PROFILE", .offset = AT(apparmor),
	  .help = "profile of AppArmor for its monitor on the host" },
	{ .name = "ignore-paused", .kind = OPTION_FLAG, .offset = AT(ignore_paused),
	  .help = "accepted; a paused VM runs nothing" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG, .offset = AT(help),
	  .help = "this text" },
};

const struct option_table exec_option_table = { rows, sizeof(rows) / sizeof(rows[0]) };

/* What a process of --process that does not say it has from the container's own. */
static void inherit(struct config_process *process, const struct config_process *container,
		    const json_t *json)
{
	if (!json_object_get(json, "capabilities"))
		memcpy(process->caps, container->caps, sizeof(process->caps));
	if (!json_object_get(json, "rlimits"))
		process->rlimits = container->rlimits;
	if (!json_object_get(json, "oomScoreAdj"))
		process->oom_score_adj = container->oom_score_adj;
	if (!json_object_get(json, "selinuxLabel"))
		process->selinux_label = container->selinux_label;
	if (!json_object_get(json, "apparmorProfile"))
		process->apparmor_profile = container->apparmor_profile;
}

static int read_process(struct container_config *config, const char *path, json_t **json,
			struct failure *failure)
{
	struct config_process container = config->process;
	struct json_reader reader = {
		.file = strcmp(path, "-") == 0 ? "--process" : path,
		.arena = &config->arena,
		.failure = failure,
		.config = config,
	};
	json_error_t error;
	int err;

	*json = json_document_load(path, &error);
	if (!*json)
		return failure_set(failure, -EINVAL, "--process %s: expected JSON: %s", path,
				   error.text);
	if (!json_is_object(*json))
		return failure_set(failure, -EINVAL, "--process %s: expected an object", path);
	config->process = (struct config_process){ .umask = container.umask, .cwd = "/" };
	err = config_read_process(&reader, *json, config);
	if (!err)
		inherit(&config->process, &container, *json);
	return err;
}

static void add_caps(struct config_process *process, const struct string_list *caps)
{
	for (size_t i = 0; i < caps->n; i++) {
		int number = caps_number(caps->v[i]);
		uint64_t bit;

		/* as of config.json: newer callers name newer ones */
		if (number < 0) {
			report_warning("--cap %s: unknown capability, skipped", caps->v[i]);
			continue;
		}
		bit = UINT64_C(1) << number;
		process->caps[CAP_SET_BOUNDING] |= bit;
		process->caps[CAP_SET_EFFECTIVE] |= bit;
		process->caps[CAP_SET_PERMITTED] |= bit;
		/* capabilities(7): an ambient one has to be inheritable */
		process->caps[CAP_SET_AMBIENT] |= process->caps[CAP_SET_INHERITABLE] & bit;
	}
}

static int add_groups(struct container_config *config, const struct string_list *groups,
		      struct failure *failure)
{
	for (size_t i = 0; i < groups->n; i++) {
		uint64_t gid;

		if (number_parse(groups->v[i], CONFIG_ID_COUNT - 1, &gid) != 0)
			return failure_set(failure, -EINVAL,
					   "--additional-gids %s: expected a number below %u",
					   groups->v[i], CONFIG_ID_COUNT);
		*config_add_group(&config->arena, &config->process.groups) = (uint32_t)gid;
	}
	return 0;
}

/* The container's own process, with another command and what the options say. */
static int change_process(struct container_config *config, const struct exec_options *options,
			  int argc, char *const argv[], struct failure *failure)
{
	struct config_process *process = &config->process;
	int err = 0;

	if (argc == 0)
		return failure_set(failure, -EINVAL,
				   "exec: expected a command behind the ID, or --process");
	process->args.n = 0;
	for (int i = 0; i < argc; i++)
		string_list_add(&config->arena, &process->args, argv[i]);
	process->terminal = options->tty;
	process->rows = process->cols = 0;
	process->init_reaper = false;
	process->no_new_privileges |= options->no_new_privs;
	if (options->user)
		err = process_set_user(process, options->user, &config->arena, failure);
	if (!err && options->cwd)
		err = process_set_cwd(process, "--cwd", options->cwd, failure);
	for (size_t i = 0; i < options->env.n && !err; i++)
		err = process_set_env(config, options->env.v[i], failure);
	if (!err)
		err = add_groups(config, &options->groups, failure);
	if (!err)
		add_caps(process, &options->caps);
	return err;
}

int exec_config_make(struct container_config *config, const struct exec_options *options, int argc,
		     char *const argv[], struct json_t **json, struct failure *failure)
{
	int err;

	if (!options->process)
		err = change_process(config, options, argc, argv, failure);
	else if (argc > 0)
		err = failure_set(failure, -EINVAL, "exec: expected either --process or a command");
	else
		err = read_process(config, options->process, json, failure);
	if (options->process_label)
		config->process.selinux_label = options->process_label;
	return err ? err : config_check(config, failure);
}
