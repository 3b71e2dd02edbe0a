/* SPDX-License-Identifier: Apache-2.0 */
/* nacre spec: writes a config.json to begin with, from what `nacre run` gives by default. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "config.h"
#include "config_as_json.h"
#include "existing.h"
#include "fd.h"

#define CONFIG_FILE "config.json"

struct spec_options {
	bool help, rootless;
	const char *bundle;
};

#define AT(field) offsetof(struct spec_options, field)

static const struct option_row rows[] = {
	{ .name = "bundle", .letter = 'b', .kind = OPTION_STRING, .argument = "DIR",
	  .offset = AT(bundle), .help = "write it there (else in the working directory)" },
	{ .name = "rootless", .kind = OPTION_FLAG, .offset = AT(rootless),
	  .help = "with a user namespace in which you are root" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG, .offset = AT(help),
	  .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre spec: write a " CONFIG_FILE " to begin with",
	.usage = "nacre spec [--bundle DIR] [--rootless]",
	.table = &table,
	.help_offset = AT(help),
};

/* One id: root in the container is who calls. */
static void make_rootless(struct container_config *config)
{
	*config_add_id_map(&config->arena, &config->uid_maps) = (struct config_id_map){
		.host = geteuid(), .size = 1,
	};
	*config_add_id_map(&config->arena, &config->gid_maps) = (struct config_id_map){
		.host = getegid(), .size = 1,
	};
	config->namespaces |= CLONE_NEWUSER;
	for (size_t i = 0; i < config->mounts.n; i++) {
		if (strcmp(config->mounts.v[i].type, "devpts") == 0) /* gid 5 does not exist */
			config->mounts.v[i].data = "newinstance,ptmxmode=0666,mode=0620";
	}
}

static json_t *spec_make(bool rootless)
{
	struct container_config config;
	json_t *json;

	config_init(&config);
	config.id = "nacre";
	config.root_path = "rootfs";
	config.root_readonly = true;
	config.process.terminal = true;
	string_list_add(&config.arena, &config.process.args, "sh");
	config_set_defaults(&config);
	if (rootless)
		make_rootless(&config);
	json = config_as_json(&config);
	config_free(&config);
	return json;
}

static int spec_write(const struct spec_options *options, struct failure *failure)
{
	const char *dir = options->bundle ? options->bundle : ".";
	autoclose int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int fd = -1;
	json_t *json;
	int err = 0;

	if (dir_fd < 0)
		return failure_set(failure, -errno, "--bundle %s: expected a directory: %s", dir,
				   strerror(errno));
	fd = openat(dir_fd, CONFIG_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return failure_set(failure, -errno, "%s/" CONFIG_FILE ": cannot make: %s", dir,
				   strerror(errno));
	json = spec_make(options->rootless);
	if (json_dumpfd(json, fd, JSON_INDENT(2)) < 0 || write(fd, "\n", 1) != 1)
		err = failure_set(failure, -EIO, "%s/" CONFIG_FILE ": cannot write", dir);
	json_decref(json);
	return err;
}

int verb_spec(const struct global_options *global, int argc, char *argv[])
{
	struct spec_options options = { .help = false };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);

	if (at > 0)
		spec_write(&options, &failure);
	return existing_end(&state, &failure);
}
