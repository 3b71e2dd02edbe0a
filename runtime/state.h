/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State on disk: ROOT/ID/ with
 *
 *   state.json   the VM and the container, two objects; written under a temporary name and renamed
 *   status       struct vm_status, which the VMM writes as it ends
 *   confined     struct confined_record of each companion, written as it was confined
 *   vmm.sock     where the VMM listens for monitors
 *
 * The status file is locked (flock) through the one open file description that nacre, the VMM and
 * the monitor share: as long as one of them lives, the lock is held. A directory whose lock is free
 * and whose state says that it belonged to a `run` was left by a kill, and the next `run` takes it
 * away. Making and removing directories happens under a lock of ROOT itself.
 */
#ifndef NACRE_RUNTIME_STATE_H
#define NACRE_RUNTIME_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "arena.h"
#include "config.h"
#include "failure.h"
#include "vm_size.h"

struct state {
	const char *root;	/* absolute */
	const char *id;
	const char *dir;	/* ROOT/ID */
	int dir_fd;
	int status_fd;
	uint32_t vmm_uid, vmm_gid;
	struct vm_size size;
	pid_t vmm_pid, fsd_pid, monitor_pid; /* 0: not started */
	const char *cgroup;		      /* absolute path of the leaf, NULL: none */
	char created[32];		      /* RFC 3339 */
};

/* The default ROOT: /run/nacre, or $XDG_RUNTIME_DIR/nacre for a user who is not root. */
const char *state_default_root(struct arena *arena);

/*
 * Removes what killed runs left below ROOT, makes ROOT/ID for a `run`, locks it, chooses the VMM's
 * uid so that no other VM of ROOT has it, and writes a first state.json. Returns 0 or -errno with
 * the failure set; nothing is left then.
 */
int state_create(struct state *state, const struct container_config *config, const char *root,
		 struct arena *arena, struct failure *failure);

/* Writes state.json anew. Returns 0 or -errno with the failure set. */
int state_write(const struct state *state, const struct container_config *config,
		struct failure *failure);

/* Removes ROOT/ID and closes the descriptors. */
void state_remove(struct state *state);

#endif
