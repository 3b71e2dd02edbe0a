/* SPDX-License-Identifier: Apache-2.0 */
/* Takes away what killed runs left; see state_sweep.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "cgroup.h"
#include "fd.h"
#include "ident.h"
#include "report.h"
#include "state_files.h"
#include "state_sweep.h"

static json_t *state_load(int dir_fd)
{
	autoclose int fd = openat(dir_fd, STATE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? NULL : json_loadfd(fd, JSON_DISABLE_EOF_CHECK, NULL);
}

/* True when nobody holds the container's lock: its nacre, VMM and monitor are gone. */
static bool lock_is_free(int status_fd)
{
	return flock(status_fd, LOCK_EX | LOCK_NB) == 0;
}

static void remove_unnamed(int root_fd, int dir_fd, const char *unnamed)
{
	static const char *const files[] = {
		SOCKET_FILE,	     MONITOR_SOCKET_FILE, CONTROL_SOCKET_FILE, STARTED_FILE,	 CONFINED_FILE,
		STATUS_FILE,	     STATE_CONFIG_FILE,	  "." STATE_CONFIG_FILE ".new",
		STATE_PROCESS_FILE,  "." STATE_PROCESS_FILE ".new",
		STATE_FILE,	     "." STATE_FILE ".new",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(dir_fd, files[i], 0);
	if (unlinkat(root_fd, unnamed, AT_REMOVEDIR) < 0 && errno != ENOENT)
		report_warning("%s: cannot remove its state directory: %s", unnamed,
			       strerror(errno));
}

/* The name goes first: what is half removed is no container. */
void sweep_remove(int root_fd, int dir_fd, const char *id)
{
	char unnamed[NAME_MAX + 1];

	snprintf(unnamed, sizeof(unnamed), "%s" STATE_UNNAMED, id);
	/* ENOENT: of a create that failed before it had its name */
	if (renameat(root_fd, id, root_fd, unnamed) < 0 && errno != ENOENT)
		remove_unnamed(root_fd, dir_fd, id);
	else
		remove_unnamed(root_fd, dir_fd, unnamed);
}

/* Under the lock of ROOT nobody else is at work on it: whoever was has been killed. */
static void sweep_unnamed(int root_fd, const char *unnamed)
{
	autoclose int dir_fd = openat(root_fd, unnamed,
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir_fd >= 0 && state_dir_is_ours(dir_fd))
		remove_unnamed(root_fd, dir_fd, unnamed);
}

static bool is_unnamed(const char *name)
{
	char id[NAME_MAX + 1];
	size_t len = strlen(name);

	snprintf(id, sizeof(id), "%.*s", (int)(len > 0 ? len - 1 : 0), name);
	return len > 0 && strcmp(name + len - 1, STATE_UNNAMED) == 0 && ident_is_valid(id);
}

static void note_uid(struct sweep *sweep, const json_t *state, struct arena *arena)
{
	json_int_t uid = json_integer_value(json_object_get(json_object_get(state, "vm"), "uid"));

	if (uid <= 0 || uid > UINT32_MAX)
		return;
	if (sweep->n_uids == sweep->uids_room) {
		sweep->uids_room = sweep->uids_room ? 2 * sweep->uids_room : 64;
		sweep->uids = arena_grow(arena, sweep->uids, sweep->n_uids, sweep->uids_room,
					 sizeof(*sweep->uids));
	}
	sweep->uids[sweep->n_uids++] = (uint32_t)uid;
}

static void note_pair(struct sweep *sweep, const json_t *container, struct arena *arena)
{
	const char *label = json_string_value(
		json_object_get(json_object_get(container, "selinux"), "vmm"));
	struct mcs_pair pair;

	if (!label || !mcs_pair_of(label, &pair))
		return;
	if (sweep->n_pairs == sweep->pairs_room) {
		sweep->pairs_room = sweep->pairs_room ? 2 * sweep->pairs_room : 64;
		sweep->pairs = arena_grow(arena, sweep->pairs, sweep->n_pairs, sweep->pairs_room,
					  sizeof(*sweep->pairs));
	}
	sweep->pairs[sweep->n_pairs++] = pair;
}

static void remove_dead_run(int root_fd, int dir_fd, const char *id, const json_t *container)
{
	const char *cgroup = json_string_value(json_object_get(container, "cgroup"));

	if (cgroup)
		cgroup_remove(cgroup, (uint64_t)json_integer_value(
			json_object_get(container, "cgroupId")));
	sweep_remove(root_fd, dir_fd, id);
}

/* `tidy`: what a dead run left is removed. */
static void sweep_one(struct sweep *sweep, int root_fd, const char *id, bool tidy, struct arena *arena)
{
	autoclose int dir_fd = openat(root_fd, id,
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	autoclose int status_fd = -1;
	const json_t *container;
	json_t *state;

	if (dir_fd < 0 || !state_dir_is_ours(dir_fd))
		return;
	status_fd = openat(dir_fd, STATUS_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	state = state_load(dir_fd);
	container = json_object_get(state, "container");
	if (status_fd < 0 && !state) {
		/* no container's */
	} else if (status_fd >= 0 && !lock_is_free(status_fd)) {
		note_uid(sweep, state, arena);
		note_pair(sweep, container, arena);
	} else if (!state || json_is_true(json_object_get(container, "foreground"))) {
		if (tidy)
			remove_dead_run(root_fd, dir_fd, id, container);
	} else {
		note_pair(sweep, container, arena); /* its files have the label until it is deleted */
	}
	json_decref(state);
}

static void sweep_entries(struct sweep *sweep, int root_fd, bool tidy, struct arena *arena)
{
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (tidy && is_unnamed(entry->d_name))
			sweep_unnamed(root_fd, entry->d_name);
		else if (ident_is_valid(entry->d_name))
			sweep_one(sweep, root_fd, entry->d_name, tidy, arena);
	}
	closedir(dir);
}

void sweep_root(struct sweep *sweep, int root_fd, struct arena *arena)
{
	sweep_entries(sweep, root_fd, true, arena);
}

void sweep_note(struct sweep *sweep, int root_fd, struct arena *arena)
{
	sweep_entries(sweep, root_fd, false, arena);
}

void sweep_leftover(const char *root, const char *id)
{
	autoclose int root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char unnamed[NAME_MAX + 1];

	snprintf(unnamed, sizeof(unnamed), "%s" STATE_UNNAMED, id);
	if (root_fd >= 0 && ident_is_valid(id) && flock(root_fd, LOCK_EX) == 0)
		sweep_unnamed(root_fd, unnamed);
}

bool sweep_has_uid(const struct sweep *sweep, uint32_t uid)
{
	for (size_t i = 0; i < sweep->n_uids; i++) {
		if (sweep->uids[i] == uid)
			return true;
	}
	return false;
}
