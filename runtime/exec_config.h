/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `nacre exec`, and the process that they ask for. */
#ifndef NACRE_RUNTIME_EXEC_CONFIG_H
#define NACRE_RUNTIME_EXEC_CONFIG_H

#include "config.h"
#include "options.h"

struct exec_options {
	bool help, detach, tty, no_new_privs, ignore_paused;
	const char *process, *pid_file, *console_socket, *user, *cwd;
	const char *process_label, *apparmor; /* the first for the guest, the second for the monitor */
	struct string_list env, caps, groups;
	uint64_t preserve_fds;
};

extern const struct option_table exec_option_table;

/*
 * Replaces config->process, which is that of the container's own process, by the one to join it:
 * from --process FILE, or from the container's, the options and the command `argv`. Checks it. The
 * JSON that *json becomes (a reference, or NULL) has to live as long as the configuration. Returns 0,
 * CONFIG_NOT_FOUND or another -errno with the failure set.
 */
int exec_config_make(struct container_config *config, const struct exec_options *options, int argc,
		     char *const argv[], struct json_t **json, struct failure *failure);

#endif
