/* SPDX-License-Identifier: Apache-2.0 */
/* Ids and categories of a new container; see apart.h. */
#include <errno.h>
#include <stdlib.h>

#include "apart.h"

/* A uid and gid for the VMM that no other VM has. */
static int choose_ids(struct state *state, struct subid_range uids, struct subid_range gids,
		      const struct sweep *taken, struct failure *failure)
{
	uint32_t count = uids.count < gids.count ? uids.count : gids.count;
	/* from a random place: users of one range do not see each other's states; any free one will do */
	uint32_t offset = arc4random_uniform(count), tries = 0;

	while (tries < count && sweep_has_uid(taken, uids.start + offset)) {
		offset = (offset + 1) % count;
		tries++;
	}
	if (tries == count && !uids.shared)
		return failure_set(failure, -EUSERS, "/etc/subuid: expected an id for one more VM: "
				   "the range of user nacre or containers, %u from %u on, is used up",
				   count, uids.start);
	state->vmm_uid = uids.start + offset;
	state->vmm_gid = gids.start + offset;
	return 0;
}

static int choose_pair(struct state *state, const struct sweep *taken, struct arena *arena,
		       struct failure *failure)
{
	struct mcs_pair pair;

	if (!state->selinux.drawn || !mcs_pair_of(state->selinux.vmm, &pair) ||
	    mcs_pair_is_apart(pair, taken->pairs, taken->n_pairs))
		return 0;
	if (!mcs_pair_draw(taken->pairs, taken->n_pairs, &pair))
		return failure_set(failure, -EUSERS, "label of our own: expected a pair of SELinux's "
				   "categories for one more container: all are in use");
	selinux_labels_change_pair(&state->selinux, pair, arena);
	return 0;
}

int apart_choose(struct state *state, struct subid_range uids, struct subid_range gids,
		 const struct sweep *taken, struct arena *arena, struct failure *failure)
{
	int err = choose_ids(state, uids, gids, taken, failure);

	return err ? err : choose_pair(state, taken, arena, failure);
}
