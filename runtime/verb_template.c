/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre template: boots a machine without a container, twice (without and with a network interface), and
 * keeps what it is when nacre-init calls, for containers of the same size to begin with.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "creation.h"
#include "report.h"
#include "rootless.h"
#include "run_config.h"
#include "templates.h"

struct template_options {
	struct creation_options creation;
	bool help, remove;
	uint64_t memory, cpus;
};

#define AT(field) offsetof(struct template_options, field)

static const struct option_row rows[] = {
	{ .name = "memory", .letter = 'm', .kind = OPTION_SIZE, .argument = "SIZE",
	  .offset = AT(memory), .min = CONFIG_MEMORY_MIN, .max = CONFIG_MEMORY_MAX,
	  .expected = CONFIG_MEMORY_EXPECTED " (bytes, or with K, M, G)",
	  .help = "of containers with this limit (else of those without)" },
	{ .name = "cpus", .kind = OPTION_NUMBER, .argument = "N", .offset = AT(cpus), .min = 1,
	  .max = CONFIG_CPUS_MAX, .expected = CONFIG_CPUS_EXPECTED,
	  .help = "of containers with so many processors" },
	{ .name = "kernel", .kind = OPTION_STRING, .argument = "FILE",
	  .offset = AT(creation) + offsetof(struct creation_options, kernel),
	  .help = "of containers with this kernel (else the installed one)" },
	{ .name = "remove", .kind = OPTION_FLAG, .offset = AT(remove),
	  .help = "remove all templates, and make none" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG, .offset = AT(help),
	  .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static void template_help(void)
{
	printf("nacre template: make what containers of one size can be started from\n\n"
	       "  nacre template [OPTION...]\n\n");
	options_print(stdout, &table);
}

/* A container that could be run: only its machine will be. */
static int configure(struct creation *creation, const struct template_options *options)
{
	struct run_options run = { .memory = options->memory, .cpus = options->cpus };
	char *const argv[] = { "/bin/true", NULL };
	int err = creation_read_conf(creation);

	creation->conf.make_templates = false; /* but those that are asked for */
	if (!err)
		err = companions_find(&creation->companions, &creation->config.arena,
				      &creation->failure);
	if (err)
		return err;
	run.rootfs = creation->companions.rootfs;
	return run_config_make(&creation->config, &run, 1, argv, &creation->failure);
}

static int template_make(struct creation *creation, const char *dir, bool net)
{
	const char *path;
	int err = creation_make_template(creation, dir, net, &path);

	if (!err)
		templates_forget(dir, &creation->template_key);

	if (!err)
		printf("%s\n", path);
	return err;
}

static int template_run(struct creation *creation, const struct template_options *options)
{
	const char *dir;
	int err = configure(creation, options);

	if (err)
		return err;
	dir = templates_dir(&creation->conf, rootless_active(), &creation->config.arena);
	if (!dir)
		return failure_set(&creation->failure, -ENOENT, "templates: expected HOME, or a "
				   "directory in nacre.conf");
	if (options->remove)
		return templates_remove_all(dir, &creation->failure);
	err = creation_prepare(creation, false);
	if (!err)
		err = template_make(creation, dir, false);
	if (err)
		return err;
	err = template_make(creation, dir, true);
	if (err != -ENODEV)
		return err;
	report_warning("no template for containers with a network: %s", creation->failure.text);
	creation->failure.text[0] = '\0';
	return 0;
}

int verb_template(const struct global_options *global, int argc, char *argv[])
{
	static struct creation creation;
	static struct template_options options;
	int err;

	creation_init(&creation, global, &options.creation);
	err = options_parse(&table, argc - 1, argv + 1, &options, global->arena, &creation.failure);
	if (err >= 0 && options.help) {
		template_help();
		return 0;
	}
	if (err >= 0 && err != argc - 1)
		err = failure_set(&creation.failure, -EINVAL, "%s: expected nothing but options",
				  argv[1 + err]);
	if (err >= 0)
		err = template_run(&creation, &options);
	if (creation.failure.text[0])
		report_error("%s", creation.failure.text);
	creation_close(&creation);
	return err < 0;
}
