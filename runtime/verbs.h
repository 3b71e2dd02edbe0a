/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of nacre, one file each, and what every verb gets. */
#ifndef NACRE_RUNTIME_VERBS_H
#define NACRE_RUNTIME_VERBS_H

#include <stdbool.h>

#include "arena.h"

/* Options before the verb. */
struct global_options {
	bool help, version, debug;
	const char *root; /* absolute; where state lies */
	bool root_given;  /* by --root */
	const char *log, *log_format;
	bool systemd_cgroup;
	const char *cgroup_manager, *rootless; /* NULL: not given */
	struct arena *arena;
};

/* argv[0] is the verb. Returns the exit status, having reported what went wrong. */
typedef int verb_fn(const struct global_options *global, int argc, char *argv[]);

verb_fn verb_checkpoint, verb_doctor, verb_features, verb_layers, verb_spec;
verb_fn verb_create, verb_delete, verb_events, verb_exec, verb_kill, verb_list, verb_pause;
verb_fn verb_ps, verb_resume, verb_run, verb_start, verb_state, verb_template, verb_update;

/* Prints what `nacre --version` prints. */
void version_print(struct arena *arena);

#endif
