/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of layers: eleven rows, each with a side inside the VM and one on the host, from what the
 * kernels say now. The host's side is read from /proc of the helpers; the guest's is its own word, and
 * marked so.
 */
#ifndef NACRE_RUNTIME_LAYERS_H
#define NACRE_RUNTIME_LAYERS_H

#include <stdbool.h>
#include <stdio.h>

#include "config.h"
#include "proto.h"
#include "state.h"

enum layer_verdict {
	LAYER_ON,
	LAYER_OFF,	   /* as config.json asked */
	LAYER_UNAVAILABLE, /* this host or guest does not have it, or it may not be looked at */
	LAYER_MISSING,
	LAYER_NONE,	   /* the row has no such side */
	LAYER_VERDICT_COUNT
};

enum layer {
	LAYER_KVM,
	LAYER_NAMESPACES,
	LAYER_CGROUPS,
	LAYER_FILES,
	LAYER_CAPABILITIES,
	LAYER_SECCOMP,
	LAYER_NO_NEW_PRIVS,
	LAYER_SELINUX,
	LAYER_USER_NAMESPACE,
	LAYER_NO_ROOT,
	LAYER_LIMITS,
	LAYER_COUNT
};

struct layer_side {
	enum layer_verdict verdict;
	char text[400]; /* the evidence */
};

struct layers {
	struct layer_side guest[LAYER_COUNT], host[LAYER_COUNT];
};

/* Sets one side. */
void layer_set(struct layer_side *side, enum layer_verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The host's side, of a container whose helpers live. */
void layers_read_host(struct layers *layers, const struct state *state,
		      const struct container_config *config);

/*
 * The guest's side; `guest` is NULL when it gave no answer, for the reason in `why`. `held`: the process
 * waits for its exec.
 */
void layers_read_guest(struct layers *layers, const struct msg_layers *guest, const char *why,
		       const struct container_config *config, bool held);

/* True when a side is MISSING. */
bool layers_any_missing(const struct layers *layers);

/* Prints the table, in colour if `colour`, or as JSON. */
void layers_print(FILE *to, const struct layers *layers, const char *id, bool colour);
void layers_print_json(FILE *to, const struct layers *layers, const char *id);

#endif
