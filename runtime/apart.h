/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new container must not have in common with those that are there: the host ids of its VMM, and the
 * pair of categories in its SELinux labels. Chosen under the lock of all ROOTs (state_roots.h), so that two that
 * are made at once do not choose the same; released with the state (state_remove).
 */
#ifndef NACRE_RUNTIME_APART_H
#define NACRE_RUNTIME_APART_H

#include "failure.h"
#include "state.h"
#include "state_sweep.h"
#include "subid.h"

/*
 * An id of each range, and another pair in the labels if the one that was drawn is taken. Returns 0, or
 * -EUSERS with the failure set when all are taken.
 */
int apart_choose(struct state *state, struct subid_range uids, struct subid_range gids,
		 const struct sweep *taken, struct arena *arena, struct failure *failure);

#endif
