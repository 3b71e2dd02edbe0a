/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `nacre run`, and the configuration that they ask for. */
#ifndef NACRE_RUNTIME_RUN_CONFIG_H
#define NACRE_RUNTIME_RUN_CONFIG_H

#include "config.h"
#include "creation_options.h"
#include "failure.h"
#include "options.h"

struct run_options {
	struct creation_options creation;
	bool help, init, read_only, detach, layers, keep;
	const char *rootfs, *name, *workdir, *user, *net, *timing;
	uint64_t memory, cpus; /* 0: not given */
	struct string_list env, volumes, blocks;
};

extern const struct option_table run_option_table;

/*
 * Fills the configuration from the options and the command `argv` (with --rootfs) or from the
 * bundle and its ID (with --bundle), and checks it wholly. Nothing happens on the host. Returns 0,
 * CONFIG_NOT_FOUND or another -errno with the failure set.
 */
int run_config_make(struct container_config *config, const struct run_options *options, int argc,
		    char *const argv[], struct failure *failure);

/*
 * Fills the configuration from the bundle, the caller's directory if the options name none, of a
 * container that argv names, with one ID and nothing else. `verb` is for messages. Returns 0, or
 * -errno with the failure set.
 */
int run_config_from_bundle(struct container_config *config, const char *verb,
			   const struct creation_options *options, int argc, char *const argv[],
			   struct failure *failure);

#endif
