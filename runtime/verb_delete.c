/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre delete (OCI runtime-spec 1.2 runtime.md "Delete"): removes what create made of a container
 * that has stopped; with --force, of any, whatever state it was left in.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup_parts.h"
#include "existing.h"
#include "matching.h"
#include "removal.h"
#include "state_files.h"
#include "state_sweep.h"

/* How long a killed process may take. */
#define KILL_WAIT_MS 2000
/* In how many parts --force waits for the lock. */
#define FORCE_TRIES 10
/*
 * The host hears of the end of a process a little later than of that of one of its own; who starts a short one
 * deletes it at once.
 */
#define END_HEARD_MS 500

struct delete_options {
	bool help, force, regex;
};

#define AT(field) offsetof(struct delete_options, field)

static const struct option_row rows[] = {
	{ .name = "force", .letter = 'f', .kind = OPTION_FLAG, .offset = AT(force),
	  .help = "kill the container first, if it lives; succeed if there is none" },
	{ .name = "regex", .letter = 'r', .kind = OPTION_FLAG, .offset = AT(regex),
	  .help = "ID is a regular expression: every container that it fits" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG, .offset = AT(help),
	  .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre delete: remove a container that has stopped",
	.usage = "nacre delete [--force] [--regex] ID",
	.table = &table,
	.help_offset = AT(help),
	.least = 1,
	.most = 1,
};

/* Whether a process has a file open; not, where we may not look. */
static bool has_open(const char *pid, const struct stat *file)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	bool has = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	while (dir && !has && (entry = readdir(dir)) != NULL) {
		struct stat st;

		has = fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
		      st.st_dev == file->st_dev && st.st_ino == file->st_ino;
	}
	if (dir)
		closedir(dir);
	return has;
}

/* Whether a process in the leaf has the container's status file: each companion has. */
static bool is_cgroup_of(const char *leaf, const struct state *state)
{
	char path[PATH_MAX], pid[32];
	struct stat status;
	bool is = false;
	FILE *procs;

	if (snprintf(path, sizeof(path), "%s/cgroup.procs", leaf) >= (int)sizeof(path) ||
	    fstatat(state->dir_fd, STATUS_FILE, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	procs = fopen(path, "re");
	while (procs && !is && fgets(pid, sizeof(pid), procs)) {
		pid[strcspn(pid, "\n")] = '\0';
		is = has_open(pid, &status);
	}
	if (procs)
		fclose(procs);
	return is;
}

/*
 * Of a damaged state: finds the container's cgroup, and with it its processes, where the configuration that
 * was kept says. One of systemd's is not looked for, nor one with a number behind its name.
 */
static bool find_cgroup(struct state *state, struct arena *arena)
{
	const char *leaf = NULL;
	struct failure ignored = { .text = "" };
	struct container_config config;

	config_init(&config);
	state_read_config(state, &config, &ignored);
	config.id = state->id;
	if (cgroup_is_v2() && !(config.cgroups_path && strchr(config.cgroups_path, ':')))
		leaf = cgroup_leaf_path(&config, arena);
	config_free(&config);
	if (!leaf || !is_cgroup_of(leaf, state))
		return false;
	state->cgroup = leaf;
	state->cgroup_id = cgroup_id(leaf);
	return true;
}

/*
 * Kills what is known of it. Of a damaged state a cgroup that was found is in `found`, since it is lost with what is
 * killed.
 */
static void kill_known(struct state *state, struct state *found, struct arena *arena)
{
	process_ref_kill(&state->monitor, KILL_WAIT_MS);
	if (state_status(state) != STATE_CREATING)
		return;
	if (state->damaged && find_cgroup(state, arena)) {
		found->cgroup = state->cgroup;
		found->cgroup_id = state->cgroup_id;
	}
	if (state->cgroup)
		cgroup_kill(state->cgroup, state->cgroup_id);
}

/*
 * Kills what lives and opens the state with its lock. The lock may be held by a create that waits for
 * its guest: that one ends when its companions are killed, of which it may not have noted any yet.
 */
static int force_open(struct state *state, const struct global_options *global, const char *id,
		      struct failure *failure)
{
	struct state found = STATE_NONE;
	int err = -EBUSY;

	for (int tries = 0; err == -EBUSY && tries < FORCE_TRIES; tries++) {
		failure->text[0] = '\0';
		err = state_open_damaged(state, global->root, id, -1, global->arena, failure);
		if (err)
			return err;
		kill_known(state, &found, global->arena);
		state_close(state);
		err = state_open_damaged(state, global->root, id, STATE_LOCK_MS / FORCE_TRIES,
					 global->arena, failure);
	}
	if (err)
		return err;
	if (found.cgroup) {
		state->cgroup = found.cgroup;
		state->cgroup_id = found.cgroup_id;
	}
	/* one that has come to its end all the same has made a container */
	process_ref_kill(&state->monitor, KILL_WAIT_MS);
	return 0;
}

static int delete_container(struct state *state, int patience_ms, struct failure *failure)
{
	enum state_status status = state_status(state);

	if (status == STATE_RUNNING && process_ref_wait(&state->monitor, patience_ms) == 0)
		status = state_status(state);
	if (status != STATE_STOPPED && status != STATE_CREATING)
		return failure_set(failure, -EBUSY,
				   "%s: cannot delete a container that is %s: expected stopped",
				   state->id, state_status_name(status));
	removal_run(state);
	return 0;
}

/*
 * One container, from its name on; one that runs has `patience_ms` to end by itself. The verb's exit status.
 */
static int delete_named(const struct global_options *global, const char *id, bool force, int patience_ms)
{
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int err;

	if (force)
		err = force_open(&state, global, id, &failure);
	else
		err = state_open_locked(&state, global->root, id, STATE_LOCK_MS, global->arena,
					&failure);
	if (force && err == -ENOENT) { /* as asked: there is none */
		failure.text[0] = '\0';
		sweep_leftover(global->root, id);
	}
	if (!err)
		delete_container(&state, patience_ms, &failure);
	return existing_end(&state, &failure);
}

int verb_delete(const struct global_options *global, int argc, char *argv[])
{
	struct delete_options options = { .help = false };
	struct string_list ids = { .n = 0 };
	struct failure failure = { .text = "" };
	struct state none = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);
	int status = 0;

	if (at <= 0 || (options.regex && matching_ids(global->root, argv[at], &ids, global->arena,
						      &failure) != 0))
		return existing_end(&none, &failure);
	if (!options.regex)
		return delete_named(global, argv[at], options.force, END_HEARD_MS);
	for (size_t i = 0; i < ids.n; i++)
		status |= delete_named(global, ids.v[i], options.force, 0);
	return status;
}
