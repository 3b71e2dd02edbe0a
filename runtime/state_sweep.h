/* SPDX-License-Identifier: Apache-2.0 */
/* Takes away what killed runs left below ROOT; the caller holds the lock of ROOT (state.h). */
#ifndef NACRE_RUNTIME_STATE_SWEEP_H
#define NACRE_RUNTIME_STATE_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "mcs.h"

/* What the sweep has seen of the containers that are there. */
struct sweep {
	uint32_t *uids; /* of the VMMs that live */
	size_t n_uids, uids_room;
	struct mcs_pair *pairs; /* in SELinux labels; also of containers that have ended */
	size_t n_pairs, pairs_room;
};

/*
 * Looks at every directory of ROOT: removes those of dead runs, with their cgroups, notes the rest.
 */
void sweep_root(struct sweep *sweep, int root_fd, struct arena *arena);

/* As sweep_root(), of a ROOT whose lock the caller does not hold: notes, and removes nothing. */
void sweep_note(struct sweep *sweep, int root_fd, struct arena *arena);

/* Removes what a verb that was killed left of ID half made or half removed; takes the lock of ROOT. */
void sweep_leftover(const char *root, const char *id);

bool sweep_has_uid(const struct sweep *sweep, uint32_t uid);

/* Removes the files of one container's directory and the directory itself. */
void sweep_remove(int root_fd, int dir_fd, const char *id);

#endif
