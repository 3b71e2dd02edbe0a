/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State on disk: ROOT/ID/ with
 *
 *   state.json    the VM and the container, two objects; written under a temporary name and renamed
 *   config.json   what the container was made from, as it was then; process.json in its place for
 *                 one made from options: what exec needs of these
 *   status        struct vm_status, which the VMM writes as it ends
 *   confined      struct confined_record of each companion, written as it was confined
 *   started       empty until the process runs; then the monitor has written a byte
 *   vmm.sock      where the VMM listens for monitors
 *   control.sock  where the VMM takes orders: pause, resume
 *   monitor.sock  where the monitor of a created container listens for `nacre start`
 *
 * What a container is at this moment is never read from a file alone: processes are looked at by
 * pid and start time, `started` is the monitor's own word.
 *
 * Three locks (flock). That of all ROOTs (state_roots.h) is held while what containers may not have in common is
 * chosen; it is taken first. That of ROOT is held while directories are made and removed. That of ROOT/ID
 * is held by the verb that changes the container: create until it is made, start, delete, pause,
 * resume, update; state, list, kill and exec take none. Beside them the status file is locked
 * through the one open file description that nacre, the VMM and the monitor share: as long as one
 * of them lives, the lock is held. A directory whose status lock is free and whose state says that
 * it belonged to a `run` in the foreground was left by a kill, and the next run takes it away. A
 * directory with neither status nor state.json is not nacre's and is left alone. While it is made
 * or removed a directory is called ID~, so that ROOT/ID is always whole.
 */
#ifndef NACRE_RUNTIME_STATE_H
#define NACRE_RUNTIME_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "arena.h"
#include "config.h"
#include "failure.h"
#include "net_resolver.h"
#include "process_ref.h"
#include "selinux.h"
#include "vm_size.h"

/* OCI runtime-spec 1.2 runtime.md "State", and paused, as runc has it. */
enum state_status {
	STATE_CREATING,
	STATE_CREATED,
	STATE_RUNNING,
	STATE_PAUSED,
	STATE_STOPPED,
	STATE_STATUS_COUNT
};

struct state {
	const char *root;	/* absolute */
	const char *id;
	const char *dir;	/* ROOT/ID */
	int dir_fd;		/* of ROOT/ID, for the files named in state_files.h */
	int status_fd, started_fd; /* -1 in a state that was opened */
	bool locked;		/* dir_fd holds the lock of ROOT/ID */

	/* the VM */
	uint32_t vmm_uid, vmm_gid;
	struct vm_size size;
	struct process_ref vmm, fsd; /* one fsd for each container; there is one; a pod's sandbox has
					none */

	/* the container */
	uint32_t number;	/* in its VM */
	struct process_ref monitor; /* its pid is the container's */
	const char *bundle;	/* absolute; NULL: made from options */
	const char *rootfs;	/* absolute */
	const char *cgroup;	/* absolute path of the leaf, NULL: none */
	bool cgroup_disabled;	/* as asked: --cgroup-manager disabled */
	uint64_t cgroup_id;	/* its number: the path may be another's by now */
	char created[32];	/* RFC 3339 */
	struct selinux_labels selinux;
	struct net_resolv_conf resolv_conf; /* path NULL: not to be looked at */
	const char *network;	/* net_summary_text() of what was joined; NULL: no interface */
	bool foreground;	/* of a `nacre run` that waits for it */
	bool terminal;
	bool paused;
	bool damaged;		/* nothing of it is known: state_open_damaged() */
	/* the state holds a reference to each */
	struct json_t *annotations; /* an object */
	struct json_t *hooks;	    /* as in config.json; NULL: none */
};

/* Said of a container whose vmm.pid is 0 although it runs. */
#define STATE_NO_VM "the sandbox of a pod has no VM: expected one of the pod's containers"

/* A state that holds nothing; state_close() does no harm to it. */
#define STATE_NONE { .dir_fd = -1, .status_fd = -1, .started_fd = -1 }

/*
 * The default ROOT: /run/nacre, or $XDG_RUNTIME_DIR/nacre for a user who is not root, also where that user
 * is root of a user namespace (podman's).
 */
const char *state_default_root(struct arena *arena);

/* The directory beside it in which all ROOTs are noted (state_roots.h). */
const char *state_all_roots(struct arena *arena);

/*
 * Removes what killed runs left below ROOT, makes ROOT/ID, locks it, chooses the VMM's uid so that
 * no other VM of any ROOT of this user has it (state_roots.h), and writes a first state.json and config.json. Returns 0 or -errno
 * with the failure set; nothing is left then.
 */
int state_create(struct state *state, const struct container_config *config, const char *root,
		 struct arena *arena, struct failure *failure);

/* Writes state.json anew. Returns 0 or -errno with the failure set. */
int state_write(const struct state *state, struct failure *failure);

/* Removes ROOT/ID; the state stays readable. */
void state_unlink(struct state *state);

/* Removes ROOT/ID and closes the state. */
void state_remove(struct state *state);

/* Gives up the lock of ROOT/ID. */
void state_unlock(struct state *state);

/* Closes descriptors, and with them the lock, and gives up the annotations. */
void state_close(struct state *state);

/* Appends the names of ROOT's containers, sorted. 0 or -errno: -ENOENT before the first one was made. */
int state_ids(const char *root, struct string_list *ids, struct arena *arena);

/*
 * Reads the state of a container that exists; without the lock. Strings are the arena's. Returns 0,
 * or -errno with the failure set: -ENOENT, "ID: container does not exist".
 */
int state_open(struct state *state, const char *root, const char *id, struct arena *arena,
	       struct failure *failure);

/*
 * As state_open(), with the lock of ROOT/ID: waits up to `ms` milliseconds for the verb that holds
 * it. -EBUSY with the failure set when that takes longer.
 */
int state_open_locked(struct state *state, const char *root, const char *id, int ms,
		      struct arena *arena, struct failure *failure);

/*
 * As state_open_locked(), for `delete --force`: one whose state.json is damaged is opened with a warning,
 * as one of which nothing is known. With a negative `ms` without the lock.
 */
int state_open_damaged(struct state *state, const char *root, const char *id, int ms,
		       struct arena *arena, struct failure *failure);

/* How long a verb waits for another one that changes the same container. */
#define STATE_LOCK_MS 10000

/*
 * Reads the configuration that the container was made from, into an initialized structure. Of one
 * that was made from options it holds nacre's defaults. Returns 0 or -errno with the failure set.
 */
int state_read_config(const struct state *state, struct container_config *config,
		      struct failure *failure);

/*
 * Merges a "resources" of config.json into the configuration that state_read_config() reads: what it
 * says counts from now on. Under the lock. Returns 0 or -errno with the failure set.
 */
int state_save_resources(const struct state *state, struct json_t *resources,
			 struct failure *failure);

/* What the container is now. */
enum state_status state_status(const struct state *state);

/* "created", "running"... */
const char *state_status_name(enum state_status status);

/*
 * The container as runtime.md "State" has it, with what runc adds: created, owner, rootfs. `status`
 * is what state_status() said. A new reference.
 */
struct json_t *state_as_oci(const struct state *state, enum state_status status);

#endif
