/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `nacre run`; see run_config.h. */
#include <errno.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "blocks.h"
#include "ident.h"
#include "process_options.h"
#include "run_config.h"
#include "size.h"
#include "terminal.h"

#define AT(field) offsetof(struct run_options, field)

static const struct option_row rows[] = {
	{ .name = "rootfs", .kind = OPTION_STRING, .argument = "DIR", .offset = AT(rootfs),
	  .help = "run ARGV in this root file system" },
	CREATION_OPTION_ROWS(offsetof(struct run_options, creation)),
	{ .name = "layers", .kind = OPTION_FLAG, .offset = AT(layers),
	  .help = "print which layers protect it, then run it" },
	{ .name = "detach", .letter = 'd', .kind = OPTION_FLAG, .offset = AT(detach),
	  .help = "end once the process runs; delete removes the container" },
	{ .name = "keep", .kind = OPTION_FLAG, .offset = AT(keep),
	  .help = "leave the ended container to delete" },
	{ .name = "name", .kind = OPTION_STRING, .argument = "ID", .offset = AT(name),
	  .help = "the container's name (else one is made up)" },
	{ .name = "init", .kind = OPTION_FLAG, .offset = AT(init),
	  .help = "a reaper as process 1, ARGV as its child" },
	{ .name = "memory", .letter = 'm', .kind = OPTION_SIZE, .argument = "SIZE",
	  .offset = AT(memory), .min = CONFIG_MEMORY_MIN, .max = CONFIG_MEMORY_MAX,
	  .expected = CONFIG_MEMORY_EXPECTED " (bytes, or with K, M, G)",
	  .help = "the container's memory, 24M to 64G" },
	{ .name = "cpus", .kind = OPTION_NUMBER, .argument = "N", .offset = AT(cpus), .min = 1,
	  .max = CONFIG_CPUS_MAX, .expected = CONFIG_CPUS_EXPECTED,
	  .help = "processors of the VM, 1 to 32" },
	{ .name = "env", .letter = 'e', .kind = OPTION_LIST, .argument = "NAME=VALUE",
	  .offset = AT(env), .help = "set a variable of the environment (repeatable)" },
	{ .name = "workdir", .letter = 'w', .kind = OPTION_STRING, .argument = "DIR",
	  .offset = AT(workdir), .help = "the process' working directory" },
	{ .name = "user", .letter = 'u', .kind = OPTION_STRING, .argument = "UID[:GID]",
	  .offset = AT(user), .help = "who the process is, by number" },
	{ .name = "read-only", .kind = OPTION_FLAG, .offset = AT(read_only),
	  .help = "the root file system cannot be written" },
	{ .name = "volume", .letter = 'v', .kind = OPTION_LIST, .argument = "HOST:GUEST[:ro]",
	  .offset = AT(volumes), .help = "share a directory or a file (repeatable)" },
	{ .name = "block", .kind = OPTION_LIST, .argument = "FILE:GUEST[:ro]",
	  .offset = AT(blocks), .help = "a raw image or block device as device node GUEST "
				      "(repeatable)" },
	{ .name = "net", .kind = OPTION_STRING, .argument = "none|passt", .offset = AT(net),
	  .help = "none: loopback only (default); passt: the caller's network" },
	{ .name = "timing", .kind = OPTION_STRING, .argument = "FILE", .offset = AT(timing),
	  .help = "write when what happened here, as JSON" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG, .offset = AT(help),
	  .help = "this text" },
};

const struct option_table run_option_table = { rows, sizeof(rows) / sizeof(rows[0]) };

static int add_volume(struct container_config *config, const char *volume, struct failure *failure)
{
	struct arena *arena = &config->arena;
	char *host = arena_printf(arena, "%s", volume);
	char *guest = strchr(host, ':');
	char *options = guest ? strchr(guest + 1, ':') : NULL;
	bool readonly = false;

	if (guest)
		*guest++ = '\0';
	if (options) {
		*options++ = '\0';
		readonly = strcmp(options, "ro") == 0;
	}
	if (!guest || host[0] == '\0' || guest[0] != '/' || guest[strspn(guest, "/")] == '\0' ||
	    (options && !readonly && strcmp(options, "rw") != 0))
		return failure_set(failure, -EINVAL,
				   "--volume %s: expected HOST:GUEST[:ro], GUEST an absolute path, "
				   "not /",
				   volume);
	*config_add_mount(arena, &config->mounts) = (struct config_mount){
		.destination = guest,
		.type = "bind",
		.source = host,
		.data = "",
		.flags = readonly ? MS_RDONLY : 0,
		.is_bind = true,
		.recursive = true,
		.readonly_below = true,
		.named = arena_printf(arena, "--volume %s", volume),
	};
	return 0;
}

/* Where ARGV begins: "--" may stand before it. */
static int set_args(struct container_config *config, int argc, char *const argv[],
		    struct failure *failure)
{
	if (argc == 0)
		return failure_set(failure, -EINVAL, "run: expected a command behind --");
	for (int i = 0; i < argc; i++)
		string_list_add(&config->arena, &config->process.args, argv[i]);
	return 0;
}

static int make_from_options(struct container_config *config, const struct run_options *options,
			     int argc, char *const argv[], struct failure *failure)
{
	struct config_process *process = &config->process;
	int err = set_args(config, argc, argv, failure);

	if (!err && options->user)
		err = process_set_user(process, options->user, &config->arena, failure);
	if (err)
		return err;
	process->terminal = terminal_is_there();
	process->init_reaper = options->init;
	config->root_path = options->rootfs;
	config->root_readonly = options->read_only;
	config->cpus = (uint32_t)options->cpus;
	config_set_defaults(config);
	if (options->memory > 0) /* OPTION_SIZE has bounded it */
		config->resources.memory_limit = (int64_t)((options->memory + MIB - 1) / MIB * MIB);
	if (options->net && strcmp(options->net, "none") != 0 && strcmp(options->net, "passt") != 0)
		return failure_set(failure, -EINVAL, "--net %s: expected none or passt",
				   options->net);
	config->net_passt = options->net && strcmp(options->net, "passt") == 0;
	if (options->workdir)
		err = process_set_cwd(process, "--workdir", options->workdir, failure);
	for (size_t i = 0; i < options->env.n && !err; i++)
		err = process_set_env(config, options->env.v[i], failure);
	for (size_t i = 0; i < options->volumes.n && !err; i++)
		err = add_volume(config, options->volumes.v[i], failure);
	for (size_t i = 0; i < options->blocks.n && !err; i++)
		err = blocks_add(config, options->blocks.v[i], "--block", failure);
	return err ? err : config_check(config, failure);
}

/* Options that describe a container say nothing beside a bundle, which describes it itself. */
static int check_bundle_options(const struct run_options *options, struct failure *failure)
{
	const struct {
		bool given;
		const char *name;
	} described[] = {
		{ options->rootfs, "rootfs" },	    { options->name, "name" },
		{ options->memory, "memory" },	    { options->cpus, "cpus" },
		{ options->env.n, "env" },	    { options->workdir, "workdir" },
		{ options->user, "user" },	    { options->read_only, "read-only" },
		{ options->volumes.n, "volume" },   { options->init, "init" },
		{ options->net, "net" },
		{ options->blocks.n, "block" },
	};

	for (size_t i = 0; i < sizeof(described) / sizeof(described[0]); i++) {
		if (described[i].given)
			return failure_set(failure, -EINVAL,
					   "--%s: expected either --bundle DIR ID or --rootfs DIR, "
					   "and this option only with --rootfs", described[i].name);
	}
	return 0;
}

/*
 * A new UTS namespace is a copy of its parent, too: what has no name of its own has the host's. (A member of a
 * pod has that of its pod: pod.c.)
 */
static void take_host_name(struct container_config *config)
{
	const char *sandbox_id;
	char name[65] = "";

	if (config->hostname || ((config->namespaces & CLONE_NEWUTS) &&
				 config_pod_role(config->json, &sandbox_id) == POD_MEMBER))
		return;
	if (gethostname(name, sizeof(name) - 1) == 0 && name[0])
		config->hostname = arena_printf(&config->arena, "%s", name);
}

int run_config_from_bundle(struct container_config *config, const char *verb,
			   const struct creation_options *options, int argc, char *const argv[],
			   struct failure *failure)
{
	int err;

	if (argc != 1)
		return failure_set(failure, -EINVAL, "%s: expected one ID behind the options",
				   verb);
	config->id = argv[0];
	if (!ident_is_valid(config->id))
		return failure_set(failure, -EINVAL, "\"%s\": " IDENT_EXPECTED, config->id);
	config->config_file = options->config;
	err = config_read_bundle(config, options->bundle ? options->bundle : ".", failure);
	if (!err)
		take_host_name(config);
	return err;
}

int run_config_make(struct container_config *config, const struct run_options *options, int argc,
		    char *const argv[], struct failure *failure)
{
	bool in_bundle = options->creation.bundle || options->creation.config;
	char id[IDENT_GENERATED_LEN + 1];
	int err;

	if (!in_bundle && !options->rootfs && argc == 1 && access("config.json", F_OK) == 0)
		in_bundle = true; /* as runc has it */
	if (in_bundle) {
		err = check_bundle_options(options, failure);
		return err ? err : run_config_from_bundle(config, "run", &options->creation, argc,
							  argv, failure);
	}
	if (!options->rootfs)
		return failure_set(failure, -EINVAL,
				   "run: expected --rootfs DIR -- ARGV or --bundle DIR ID");
	config->id = options->name;
	if (!config->id) {
		err = ident_generate(id);
		if (err)
			return failure_set(failure, err, "cannot make up a name: %s",
					   strerror(-err));
		config->id = arena_printf(&config->arena, "%s", id);
	} else if (!ident_is_valid(config->id)) {
		return failure_set(failure, -EINVAL, "--name \"%s\": " IDENT_EXPECTED, config->id);
	}
	return make_from_options(config, options, argc, argv, failure);
}
