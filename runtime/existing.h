/* SPDX-License-Identifier: Apache-2.0 */
/* What verbs on a container that exists have in common: options, one ID, its state. */
#ifndef NACRE_RUNTIME_EXISTING_H
#define NACRE_RUNTIME_EXISTING_H

#include "options.h"
#include "state.h"
#include "verbs.h"

/* How such a verb is called. The structure at `options` has a bool `help` at `help_offset`. */
struct existing_usage {
	const char *line;  /* "nacre start: run the process of a created container" */
	const char *usage; /* "nacre start ID" */
	const struct option_table *table;
	size_t help_offset;
	int least, most; /* words beside the options */
	bool options_first; /* what begins with "-" behind the first word is a word */
};

/*
 * Reads options, also those behind the words, as runc takes them; argv is put in order, so that the
 * words come last. Returns the number of the first word in argv; 0 when help was asked for
 * and printed; or -EINVAL with the failure set.
 */
int existing_parse(const struct existing_usage *usage, const struct global_options *global,
		   int argc, char *argv[], void *options, struct failure *failure);

/*
 * Opens the state of a container whose guest can be asked: created or running. `what` is for the
 * message: "ID: cannot WHAT a container that is paused". Returns 0 or -errno with the failure set.
 */
int existing_open_running(struct state *state, const struct global_options *global, const char *id,
			  const char *what, struct failure *failure);

/* The same of a state that is open. */
int existing_check_running(const struct state *state, const char *what, struct failure *failure);

/* Ends a verb: reports the failure, if there is one, and closes the state. Returns 0 or 1. */
int existing_end(struct state *state, const struct failure *failure);

#endif
