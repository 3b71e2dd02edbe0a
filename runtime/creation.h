/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The making of a container, as create and run share it: from a configuration that was read and
 * checked to a guest that boots. First everything that exists already is opened, and nothing is
 * made; then what others can see is made, and whatever goes wrong from there on, it is removed.
 */
#ifndef NACRE_RUNTIME_CREATION_H
#define NACRE_RUNTIME_CREATION_H

#include <sys/stat.h>

#include "cgroup.h"
#include "conf.h"
#include "console.h"
#include "creation_options.h"
#include "launch.h"
#include "net.h"
#include "preserved.h"
#include "session.h"
#include "verbs.h"
#include "vmtemplate.h"

struct creation {
	const struct global_options *global;
	const struct creation_options *options;
	struct conf conf;
	struct container_config config;
	struct companions companions;
	struct exports exports;
	struct net net;
	struct preserved preserved;
	bool keep;	       /* when its process has ended, the rest is delete's to remove */
	bool is_rootless; /* in a user namespace of its own: rootless_enter() */
	bool is_started_later; /* by another nacre */
	struct console console;
	struct state state;
	struct cgroup cgroup;
	struct launch launch;
	struct session session;
	struct failure failure;
	int signal_fd;
	const char *templates; /* where a template of this machine lies or may lie; NULL: there can be none */
	struct template_key template_key;
	bool is_copy;	       /* of that template, if it fits */
	struct stat template_stat; /* of the file that was opened */
};

/* Nothing open; the configuration is initialized. */
void creation_init(struct creation *creation, const struct global_options *global,
		   const struct creation_options *options);

/* Reads nacre.conf. Before the configuration is filled. 0, or -errno with the failure set. */
int creation_read_conf(struct creation *creation);

/*
 * Opens what the configuration names and compiles the plan. `detached`: the container is to outlive
 * this nacre. Returns 0 or -errno with the failure set.
 */
int creation_prepare(struct creation *creation, bool detached);

/*
 * Makes state and cgroup and starts the companions; the session is begun. Returns 0 or -errno with
 * the failure set; creation_undo() then.
 */
int creation_start(struct creation *creation, bool with_terminal);

/*
 * The process runs: lets other verbs at the container, runs the poststart hooks and writes the pid
 * file. False with the failure set: creation_undo() then.
 */
bool creation_started(struct creation *creation);

/* Ends what runs and removes what was made. Returns the session's status. */
int creation_undo(struct creation *creation);

/* The container is there: notes that its machine has booted, if it has (templates.h). Whatever fails, it is not. */
void creation_note_boot(const struct creation *creation);

/*
 * After creation_prepare(), any number of times: boots the machine without a container, with a network interface or
 * without, has it saved in the directory, and tries a container that begins as its copy. 0 with the template's
 * path, and its key in template_key; -ENODEV: interfaces cannot be made here, or another -errno; with the failure set.
 */
int creation_make_template(struct creation *creation, const char *dir, bool net, const char **path);

/* Closes everything. */
void creation_close(struct creation *creation);

#endif
