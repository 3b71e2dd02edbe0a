/* SPDX-License-Identifier: Apache-2.0 */
/* Reads back what state.c wrote, and looks at the processes; see state.h. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "fd.h"
#include "ident.h"
#include "report.h"
#include "state.h"
#include "state_files.h"

#define LOCK_STEP_NS (10L * 1000 * 1000)
#define LOCK_STEP_MS 10

static const char *const status_names[] = {
	[STATE_CREATING] = "creating", [STATE_CREATED] = "created", [STATE_RUNNING] = "running",
	[STATE_PAUSED] = "paused",     [STATE_STOPPED] = "stopped",
};
static_assert(sizeof(status_names) / sizeof(status_names[0]) == STATE_STATUS_COUNT,
	      "a name for each status");

const char *state_status_name(enum state_status status)
{
	return status_names[status];
}

static struct process_ref process_from_json(const json_t *json)
{
	json_int_t pid = json_integer_value(json_object_get(json, "pid"));
	json_int_t start = json_integer_value(json_object_get(json, "start"));

	return (struct process_ref){ .pid = (pid_t)pid, .start = (uint64_t)start };
}

/* A copy of a string member in the arena, NULL when there is none. */
static const char *text_from_json(const json_t *object, const char *name, struct arena *arena)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? arena_printf(arena, "%s", text) : NULL;
}

static uint32_t number_from_json(const json_t *object, const char *name)
{
	return (uint32_t)json_integer_value(json_object_get(object, name));
}

static void state_fill(struct state *state, const json_t *json, struct arena *arena)
{
	const json_t *vm = json_object_get(json, "vm");
	const json_t *container = json_object_get(json, "container");
	const json_t *labels = json_object_get(container, "selinux");
	const char *created = json_string_value(json_object_get(container, "created"));
	json_t *annotations = json_object_get(container, "annotations");

	state->size.memory = (uint64_t)json_integer_value(json_object_get(vm, "memory"));
	state->size.cpus = number_from_json(vm, "cpus");
	state->vmm_uid = number_from_json(vm, "uid");
	state->vmm_gid = number_from_json(vm, "gid");
	state->vmm = process_from_json(json_object_get(vm, "process"));
	state->fsd = process_from_json(json_object_get(vm, "fsd"));
	state->number = number_from_json(container, "number");
	state->monitor = process_from_json(json_object_get(container, "process"));
	state->bundle = text_from_json(container, "bundle", arena);
	state->rootfs = text_from_json(container, "rootfs", arena);
	state->cgroup = text_from_json(container, "cgroup", arena);
	state->cgroup_id = (uint64_t)json_integer_value(json_object_get(container, "cgroupId"));
	state->selinux = (struct selinux_labels){
		.vmm = text_from_json(labels, "vmm", arena),
		.fsd = text_from_json(labels, "fsd", arena),
		.monitor = text_from_json(labels, "monitor", arena),
	};
	state->resolv_conf = (struct net_resolv_conf){
		.root = text_from_json(container, "resolvRoot", arena),
		.path = text_from_json(container, "resolvConf", arena),
	};
	state->network = text_from_json(container, "network", arena);
	snprintf(state->created, sizeof(state->created), "%s", created ? created : "");
	state->cgroup_disabled = json_is_true(json_object_get(container, "cgroupDisabled"));
	state->foreground = json_is_true(json_object_get(container, "foreground"));
	state->terminal = json_is_true(json_object_get(container, "terminal"));
	state->paused = json_is_true(json_object_get(container, "paused"));
	json_decref(state->hooks);
	state->hooks = json_incref(json_object_get(container, "hooks"));
	json_decref(state->annotations);
	state->annotations = json_is_object(annotations) ? json_incref(annotations)
							 : json_object();
}

static bool has_file(const struct state *state, const char *name)
{
	return faccessat(state->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * Reads state.json. Before the first one is written there is the status file alone; a directory with
 * neither is no container's.
 */
static int state_load(struct state *state, struct arena *arena, struct failure *failure)
{
	autoclose int fd = -1;
	json_error_t error;
	json_t *json;

	if (!has_file(state, STATE_FILE) && !has_file(state, STATUS_FILE))
		return failure_set(failure, -ENOENT, "%s: container does not exist", state->id);
	if (!state_dir_is_ours(state->dir_fd))
		return failure_set(failure, -EPERM, "%s: expected a state directory that nacre made for "
				   "this user, uid %u, mode %o", state->dir, geteuid(), STATE_DIR_MODE);
	fd = openat(state->dir_fd, STATE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		/* a delete may have begun since: it takes the status file first */
		if (!has_file(state, STATUS_FILE))
			return failure_set(failure, -ENOENT, "%s: container does not exist", state->id);
		state_fill(state, NULL, arena);
		return 0;
	}
	json = fd < 0 ? NULL : json_loadfd(fd, JSON_DISABLE_EOF_CHECK, &error);
	if (!json_is_object(json)) {
		json_decref(json);
		return failure_set(failure, -EIO, "%s/" STATE_FILE ": expected the state of a "
				   "container", state->dir);
	}
	state_fill(state, json, arena);
	json_decref(json);
	return 0;
}

void state_unlock(struct state *state)
{
	if (state->locked)
		flock(state->dir_fd, LOCK_UN);
	state->locked = false;
}

void state_close(struct state *state)
{
	drop_fd(&state->started_fd);
	drop_fd(&state->status_fd);
	drop_fd(&state->dir_fd);
	json_decref(state->annotations);
	state->annotations = NULL;
	json_decref(state->hooks);
	state->hooks = NULL;
}

static int open_dir(struct state *state, const char *root, const char *id, struct arena *arena,
		    struct failure *failure)
{
	if (!ident_is_valid(id))
		return failure_set(failure, -EINVAL, "\"%s\": " IDENT_EXPECTED, id);
	*state = (struct state)STATE_NONE;
	state->root = root;
	state->id = id;
	state->dir = arena_printf(arena, "%s/%s", root, id);
	state->dir_fd = open(state->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (state->dir_fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return failure_set(failure, -ENOENT, "%s: container does not exist", id);
	if (state->dir_fd < 0)
		return failure_set(failure, -errno, "%s: %s", state->dir, strerror(errno));
	return 0;
}

/* True while the directory that is open is the one of that name. */
static bool is_in_place(const struct state *state)
{
	struct stat held, named;

	return fstat(state->dir_fd, &held) == 0 && stat(state->dir, &named) == 0 &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

/* Waits up to `ms` milliseconds for the lock of ROOT/ID. */
static int state_lock(struct state *state, int ms, struct failure *failure)
{
	const struct timespec step = { .tv_nsec = LOCK_STEP_NS };

	while (flock(state->dir_fd, LOCK_EX | LOCK_NB) < 0) {
		if (ms <= 0)
			return failure_set(failure, -EBUSY,
					   "%s: another command is changing the container",
					   state->id);
		nanosleep(&step, NULL);
		ms -= LOCK_STEP_MS;
	}
	state->locked = true;
	if (!is_in_place(state))
		return failure_set(failure, -ENOENT, "%s: container does not exist", state->id);
	return 0;
}

/* With the lock of ROOT/ID, or without it for a negative `ms`. The state is the caller's to close. */
static int open_and_load(struct state *state, const char *root, const char *id, int ms,
			 struct arena *arena, struct failure *failure)
{
	int err = open_dir(state, root, id, arena, failure);

	if (!err && ms >= 0)
		err = state_lock(state, ms, failure);
	return err ? err : state_load(state, arena, failure);
}

int state_open_locked(struct state *state, const char *root, const char *id, int ms,
		      struct arena *arena, struct failure *failure)
{
	int err = open_and_load(state, root, id, ms, arena, failure);

	if (err)
		state_close(state);
	return err;
}

int state_open(struct state *state, const char *root, const char *id, struct arena *arena,
	       struct failure *failure)
{
	return state_open_locked(state, root, id, -1, arena, failure);
}

int state_open_damaged(struct state *state, const char *root, const char *id, int ms,
		       struct arena *arena, struct failure *failure)
{
	int err = open_and_load(state, root, id, ms, arena, failure);

	if (err == -EIO) {
		if (ms >= 0) /* once */
			report_warning("%s: it is taken for one of which nothing is known",
				       failure->text);
		failure->text[0] = '\0';
		state_fill(state, NULL, arena);
		state->damaged = true;
		err = 0;
	}
	if (err)
		state_close(state);
	return err;
}

/* True when nobody holds the status file's lock: nacre, VMM and monitor are gone. */
static bool status_lock_is_free(const struct state *state)
{
	autoclose int fd = openat(state->dir_fd, STATUS_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0;
}

enum state_status state_status(const struct state *state)
{
	struct stat started;

	if (state->monitor.pid == 0)
		return status_lock_is_free(state) ? STATE_STOPPED : STATE_CREATING;
	if (!process_ref_is_alive(&state->monitor))
		return STATE_STOPPED;
	if (fstatat(state->dir_fd, STARTED_FILE, &started, AT_SYMLINK_NOFOLLOW) < 0 ||
	    started.st_size == 0)
		return STATE_CREATED;
	return state->paused ? STATE_PAUSED : STATE_RUNNING;
}
