/* SPDX-License-Identifier: Apache-2.0 */
/* State on disk; see state.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include <jansson.h>

#include "apart.h"
#include "fd.h"
#include "file_replace.h"
#include "ident.h"
#include "net_resolver.h"
#include "rootless.h"
#include "state.h"
#include "make_path.h"
#include "state_files.h"
#include "state_roots.h"
#include "state_sweep.h"

#define STATE_VERSION 2

const char *state_default_root(struct arena *arena)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");

	if (runtime_dir && runtime_dir[0] == '/' && rootless_active())
		return arena_printf(arena, "%s/nacre", runtime_dir);
	return "/run/nacre";
}

static json_t *process_as_json(const struct process_ref *process)
{
	return json_pack("{s:i, s:I}", "pid", (int)process->pid, "start",
			 (json_int_t)process->start);
}

/* A member that is there only when it has a value. */
static void add_text(json_t *object, const char *name, const char *text)
{
	if (text)
		json_object_set_new(object, name, json_string(text));
}

static json_t *state_as_json(const struct state *state)
{
	json_t *vm = json_pack("{s:I, s:i, s:I, s:I, s:o, s:o}", "memory",
			       (json_int_t)state->size.memory, "cpus", (int)state->size.cpus,
			       "uid", (json_int_t)state->vmm_uid, "gid",
			       (json_int_t)state->vmm_gid, "process",
			       process_as_json(&state->vmm), "fsd", process_as_json(&state->fsd));
	json_t *container = json_pack("{s:s, s:i, s:s, s:s, s:o, s:b, s:b, s:b, s:O}", "id",
				      state->id, "number", (int)state->number, "rootfs",
				      state->rootfs, "created", state->created, "process",
				      process_as_json(&state->monitor), "foreground",
				      state->foreground, "terminal", state->terminal, "paused",
				      state->paused, "annotations", state->annotations);

	if (container) {
		if (state->hooks)
			json_object_set(container, "hooks", state->hooks);
		add_text(container, "bundle", state->bundle);
		add_text(container, "cgroup", state->cgroup);
		if (state->cgroup_disabled)
			json_object_set_new(container, "cgroupDisabled", json_true());
		if (state->cgroup)
			json_object_set_new(container, "cgroupId",
					    json_integer((json_int_t)state->cgroup_id));
		if (state->selinux.vmm)
			json_object_set_new(container, "selinux", json_pack(
				"{s:s, s:s, s:s}", "vmm", state->selinux.vmm, "fsd",
				state->selinux.fsd, "monitor", state->selinux.monitor));
		add_text(container, "resolvConf", state->resolv_conf.path);
		add_text(container, "resolvRoot", state->resolv_conf.root);
		add_text(container, "network", state->network);
	}
	return json_pack("{s:i, s:o, s:o}", "version", STATE_VERSION, "vm", vm, "container",
			 container);
}

static int json_write(const struct state *state, const char *name, json_t *json,
		      struct failure *failure)
{
	char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	int err = text ? file_replace(state->dir_fd, name, text, strlen(text), 0600) : -EILSEQ;

	free(text);
	if (!text)
		return failure_set(failure, err, "%s: expected paths and names in UTF-8, as JSON "
				   "has them", state->id);
	if (err)
		return failure_set(failure, err, "%s/%s: cannot write: %s", state->dir, name,
				   strerror(-err));
	return 0;
}

int state_write(const struct state *state, struct failure *failure)
{
	json_t *json = state_as_json(state);
	int err = json_write(state, STATE_FILE, json, failure);

	json_decref(json);
	return err;
}

const char *state_all_roots(struct arena *arena)
{
	return arena_printf(arena, "%s-roots", state_default_root(arena));
}

/* Opens ROOT, made if need be. A descriptor or -errno. */
static int root_open(const char *root)
{
	int err = make_path(root, 0700);
	int fd = err ? -1 : open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (err)
		return err;
	return fd < 0 ? -errno : fd;
}

/*
 * Takes the lock of all ROOTs, then that of ROOT, and sees what containers hold. The first lock is in *all_fd,
 * -1 on a host that has no place for it. Returns 0 or -errno.
 */
static int sweep_locked(struct sweep *sweep, int root_fd, const char *root, int *all_fd, struct arena *arena)
{
	*all_fd = roots_lock(state_all_roots(arena), root_fd, root);
	if (flock(root_fd, LOCK_EX) < 0)
		return -errno;
	sweep_root(sweep, root_fd, arena);
	if (*all_fd >= 0)
		roots_sweep(sweep, *all_fd, root_fd, arena);
	return 0;
}

/*
 * The directory gets its name when its locks are held: nobody else can hold them, and a status lock
 * that is free is never one that is not taken yet.
 */
static int create_locked(struct state *state, int root_fd, struct arena *arena,
			 struct failure *failure)
{
	const char *unnamed = arena_printf(arena, "%s" STATE_UNNAMED, state->id);

	if (faccessat(root_fd, state->id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return failure_set(failure, -EEXIST, "%s: a container with this name exists",
				   state->id);
	if (mkdirat(root_fd, unnamed, STATE_DIR_MODE) < 0)
		return failure_set(failure, -errno, "%s: cannot make: %s", state->dir,
				   strerror(errno));
	state->dir_fd = openat(root_fd, unnamed, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	/* in a ROOT of somebody else's another directory may have the name by now */
	if (state->dir_fd >= 0 && !state_dir_is_ours(state->dir_fd)) {
		drop_fd(&state->dir_fd); /* nothing of it is to be removed */
		return failure_set(failure, -EPERM, "%s: expected a directory for state that keeps owner "
				   "and mode, and in which nobody else renames", state->root);
	}
	if (state->dir_fd >= 0 && flock(state->dir_fd, LOCK_EX) == 0) {
		state->locked = true;
		state->status_fd = openat(state->dir_fd, STATUS_FILE,
					  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		state->started_fd = openat(state->dir_fd, STARTED_FILE,
					   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	if (state->started_fd < 0 || state->status_fd < 0 ||
	    flock(state->status_fd, LOCK_EX) < 0 ||
	    renameat(root_fd, unnamed, root_fd, state->id) < 0)
		return failure_set(failure, -errno, "%s: cannot make its files: %s", state->dir,
				   strerror(errno));
	return 0;
}

/* The configuration as it was when the container was made: what happens to the bundle's does not
 * concern a container (runtime.md "Lifecycle", 2.). One made from options has none; what exec needs
 * of it is built.
 */
static int config_write(const struct state *state, const struct container_config *config,
			struct failure *failure)
{
	const struct config_process *process = &config->process;
	json_t *json = json_incref(config->json);
	json_t *env = json_array();
	int err;

	for (size_t i = 0; i < process->env.n; i++)
		json_array_append_new(env, json_string(process->env.v[i]));
	if (!json)
		json = json_pack("{s:b, s:{s:i, s:i}, s:s, s:O, s:{s:{s:I}}}", "terminal",
				 process->terminal, "user", "uid", (int)process->uid, "gid",
				 (int)process->gid, "cwd", process->cwd, "env", env, "resources",
				 "memory", "limit",
				 config->resources.memory_limit > 0
					 ? (json_int_t)config->resources.memory_limit
					 : -1);
	err = json_write(state, config->json ? STATE_CONFIG_FILE : STATE_PROCESS_FILE, json,
			 failure);
	json_decref(json);
	json_decref(env);
	return err;
}

static void state_describe(struct state *state, const struct container_config *config,
			   struct arena *arena)
{
	json_t *annotations = json_object_get(config->json, "annotations");
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(state->created, sizeof(state->created), "%Y-%m-%dT%H:%M:%SZ", &utc);
	state->bundle = config->bundle;
	state->rootfs = config->root_path;
	if (config->net_ns_fd >= 0)
		state->resolv_conf = net_resolv_conf_of(config, arena);
	state->terminal = config->process.terminal;
	state->annotations = annotations ? json_incref(annotations) : json_object();
	state->hooks = json_incref(json_object_get(config->json, "hooks"));
}

/* Behind the last id of the container, as we have them. */
static uint32_t ids_end(const struct config_id_maps *maps, uint32_t without)
{
	uint64_t end = maps->n ? 0 : without;

	for (size_t i = 0; i < maps->n; i++) {
		uint64_t behind = (uint64_t)maps->v[i].host + maps->v[i].size;

		end = behind > end ? behind : end;
	}
	return end < UINT32_MAX ? (uint32_t)end : UINT32_MAX;
}

int state_create(struct state *state, const struct container_config *config, const char *root,
		 struct arena *arena, struct failure *failure)
{
	struct sweep sweep = { .uids = NULL };
	autoclose int root_fd = root_open(root);
	autoclose int all_fd = -1;
	int err = root_fd < 0 ? root_fd : sweep_locked(&sweep, root_fd, root, &all_fd, arena);

	if (err)
		return failure_set(failure, err, "%s: expected a directory for state: %s", root,
				   strerror(-err));
	state->root = root;
	state->id = config->id;
	state->dir = arena_printf(arena, "%s/%s", root, config->id);
	state_describe(state, config, arena);
	err = create_locked(state, root_fd, arena, failure);
	if (!err)
		err = apart_choose(state,
				   subid_range_in("/proc/self/uid_map", "/etc/subuid",
						  ids_end(&config->uid_maps, config->id_count)),
				   subid_range_in("/proc/self/gid_map", "/etc/subgid",
						  ids_end(&config->gid_maps, config->id_count)),
				   &sweep, arena, failure);
	if (!err)
		err = state_write(state, failure);
	if (!err)
		err = config_write(state, config, failure);
	if (err) {
		/* state_remove() would wait for the lock of ROOT, which is held here */
		if (state->dir_fd >= 0)
			sweep_remove(root_fd, state->dir_fd, state->id);
		state_close(state);
	}
	return err;
}

void state_unlink(struct state *state)
{
	autoclose int root_fd = -1;

	if (state->dir_fd < 0)
		return;
	root_fd = open(state->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd >= 0 && flock(root_fd, LOCK_EX) == 0)
		sweep_remove(root_fd, state->dir_fd, state->id);
}

void state_remove(struct state *state)
{
	state_unlink(state);
	state_close(state);
}
