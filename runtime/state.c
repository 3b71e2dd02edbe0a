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

#include "fd.h"
#include "ident.h"
#include "state.h"
#include "state_sweep.h"
#include "subid.h"

#define STATE_VERSION 1

const char *state_default_root(struct arena *arena)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");

	if (geteuid() != 0 && runtime_dir && runtime_dir[0] == '/')
		return arena_printf(arena, "%s/nacre", runtime_dir);
	return "/run/nacre";
}

static json_t *state_as_json(const struct state *state, const struct container_config *config)
{
	json_t *annotations = json_object_get(config->json, "annotations");

	if (annotations)
		json_incref(annotations);
	else
		annotations = json_object();
	return json_pack("{s:i, s:{s:I, s:i, s:I, s:I, s:i, s:i}, "
			 "s:{s:s, s:i, s:s*, s:s, s:s, s:i, s:b, s:s*, s:o}}",
			 "version", STATE_VERSION,
			 "vm", "memory", (json_int_t)state->size.memory, "cpus",
			 (int)state->size.cpus, "uid", (json_int_t)state->vmm_uid, "gid",
			 (json_int_t)state->vmm_gid, "pid", (int)state->vmm_pid, "fsdPid",
			 (int)state->fsd_pid,
			 "container", "id", state->id, "number", 0, "bundle", config->bundle,
			 "rootfs", config->root_path, "created", state->created, "pid",
			 (int)state->monitor_pid, "run", 1, "cgroup", state->cgroup,
			 "annotations", annotations);
}

static int file_replace(int dir_fd, const char *name, const char *text)
{
	char temporary[64];
	autoclose int fd = -1;
	size_t len = strlen(text);

	snprintf(temporary, sizeof(temporary), ".%s.new", name);
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		return errno ? -errno : -EIO;
	if (renameat(dir_fd, temporary, dir_fd, name) < 0)
		return -errno;
	return 0;
}

int state_write(const struct state *state, const struct container_config *config,
		struct failure *failure)
{
	json_t *json = state_as_json(state, config);
	char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	int err = text ? file_replace(state->dir_fd, STATE_FILE, text) : -EINVAL;

	free(text);
	json_decref(json);
	if (err)
		return failure_set(failure, err, "%s/" STATE_FILE ": cannot write: %s", state->dir,
				   strerror(-err));
	return 0;
}

/* Makes every directory of a path that is missing. */
static int make_path(const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
		part[i] = path[i];
	}
	return 0;
}

/* Opens ROOT, made if need be, and waits for its lock. A descriptor or -errno. */
static int root_open(const char *root)
{
	int err = make_path(root);
	autoclose int fd = -1;

	if (err)
		return err;
	fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return -errno;
	return steal_fd(&fd);
}

/* A uid and gid for the VMM that no other VM of this ROOT has. */
static void choose_ids(struct state *state, const struct sweep *taken)
{
	struct subid_range uids = subid_range_read("/etc/subuid");
	struct subid_range gids = subid_range_read("/etc/subgid");
	uint32_t count = uids.count < gids.count ? uids.count : gids.count;
	uint32_t offset = 0;

	/* from a random place, so that two ROOTs seldom meet; any free one will do */
	arc4random_buf(&offset, sizeof(offset));
	offset %= count;
	for (uint32_t tries = 0; tries < count; tries++) {
		if (!sweep_has_uid(taken, uids.start + offset))
			break;
		offset = (offset + 1) % count;
	}
	state->vmm_uid = uids.start + offset;
	state->vmm_gid = gids.start + offset;
}

static int create_locked(struct state *state, int root_fd, struct failure *failure)
{
	if (mkdirat(root_fd, state->id, 0700) < 0) {
		if (errno == EEXIST)
			return failure_set(failure, -EEXIST,
					   "%s: a container with this name exists", state->id);
		return failure_set(failure, -errno, "%s: cannot make: %s", state->dir,
				   strerror(errno));
	}
	state->dir_fd = openat(root_fd, state->id,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (state->dir_fd >= 0)
		state->status_fd = openat(state->dir_fd, STATUS_FILE,
					  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (state->status_fd < 0 || flock(state->status_fd, LOCK_EX | LOCK_NB) < 0)
		return failure_set(failure, -errno, "%s/" STATUS_FILE ": cannot make: %s",
				   state->dir, strerror(errno));
	return 0;
}

int state_create(struct state *state, const struct container_config *config, const char *root,
		 struct arena *arena, struct failure *failure)
{
	struct sweep sweep = { .n = 0 };
	time_t now = time(NULL);
	autoclose int root_fd = root_open(root);
	struct tm utc;
	int err;

	if (root_fd < 0)
		return failure_set(failure, root_fd, "%s: expected a directory for state: %s",
				   root, strerror(-root_fd));
	gmtime_r(&now, &utc);
	strftime(state->created, sizeof(state->created), "%Y-%m-%dT%H:%M:%SZ", &utc);
	state->root = root;
	state->id = config->id;
	state->dir = arena_printf(arena, "%s/%s", root, config->id);
	sweep_root(&sweep, root_fd, arena);
	err = create_locked(state, root_fd, failure);
	if (err == -EEXIST)
		return err; /* somebody else's */
	if (!err) {
		choose_ids(state, &sweep);
		err = state_write(state, config, failure);
	}
	if (err)
		state_remove(state);
	return err;
}

void state_remove(struct state *state)
{
	autoclose int root_fd = -1;

	if (state->dir_fd < 0)
		return;
	root_fd = open(state->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd >= 0 && flock(root_fd, LOCK_EX) == 0)
		sweep_remove(root_fd, state->dir_fd, state->id);
	drop_fd(&state->status_fd);
	drop_fd(&state->dir_fd);
}
