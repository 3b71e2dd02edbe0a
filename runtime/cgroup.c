/* SPDX-License-Identifier: Apache-2.0 */
/* The host's leaf cgroup; see cgroup.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "cgroup_parts.h"
#include "fd.h"
#include "report.h"

/* How long a killed process may take to leave its cgroup. */
#define REMOVE_TRIES   500
#define REMOVE_STEP_NS 10000000L
#define SCOPE_TRIES    100
/* How often a leaf is made anew that somebody else takes for one that was left. */
#define MAKE_TRIES 10
/* Containers of one name. */
#define LEAF_NAMES 100u

/* A descriptor or -errno. */
static int file_open(const char *dir, const char *name, int access)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, access | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int file_write(const char *dir, const char *name, const char *value)
{
	autoclose int fd = file_open(dir, name, O_WRONLY);
	size_t len = strlen(value);

	if (fd < 0)
		return fd;
	return write(fd, value, len) == (ssize_t)len ? 0 : -errno;
}

/* The controllers that `dir` hands down already: words with a blank before and behind each. */
static void read_controllers(const char *dir, char *words, size_t room)
{
	autoclose int fd = file_open(dir, "cgroup.subtree_control", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, words + 1, room - 2);

	n = n < 0 ? 0 : n;
	words[0] = ' ';
	words[n + 1] = '\0';
	if (n > 0 && words[n] == '\n')
		words[n] = ' ';
}

/* Hands every controller that there is down to the children; those that are not there are no error. */
static void enable_controllers(const char *dir)
{
	static const char *const controllers[] = { "+memory", "+pids", "+cpu", "+io", "+cpuset" };
	char there[256], word[16];

	read_controllers(dir, there, sizeof(there));
	for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++) {
		int err;

		snprintf(word, sizeof(word), " %s ", controllers[i] + 1);
		if (strstr(there, word))
			continue;
		err = file_write(dir, "cgroup.subtree_control", controllers[i]);
		if (err && err != -ENOENT)
			report_debug("%s/cgroup.subtree_control: %s: %s", dir, controllers[i],
				     strerror(-err));
	}
}

/*
 * Makes the leaf itself. It must be new: what is in it will be killed, so it must be nobody else's. An
 * empty one that was left is taken over, but not one that a create has just made: as long as there is no
 * process in it that one has a lock on it. Returns a descriptor with the lock, or -errno: -EEXIST for one
 * that is in use.
 */
static int make_last(const char *path)
{
	for (int i = 0; i < MAKE_TRIES; i++) {
		autoclose int left = cgroup_open(path);
		autoclose int made = -1;
		struct stat st;

		if (left >= 0 && (flock(left, LOCK_EX | LOCK_NB) < 0 ||
				  (rmdir(path) < 0 && errno != ENOENT)))
			return -EEXIST;
		if (mkdir(path, 0755) < 0) {
			if (errno != EEXIST)
				return -errno;
			continue;
		}
		made = cgroup_open(path);
		/* until here another create may have taken it for one that was left */
		if (made >= 0 && flock(made, LOCK_EX | LOCK_NB) == 0 && fstat(made, &st) == 0 &&
		    st.st_ino == cgroup_id(path))
			return steal_fd(&made);
	}
	return -EEXIST;
}

/*
 * Makes the directories of a path, and enables controllers in all above the last. Returns a descriptor of
 * that or -errno as make_last().
 */
static int make_below_top(const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, len + 1);
	for (size_t i = strlen(CGROUP_TOP); i < len; i++) {
		if (path[i] != '/')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -errno;
		enable_controllers(part);
		part[i] = path[i];
	}
	return make_last(path);
}

/*
 * Writes one limit. A file that is not there belongs to a controller that is not there, or not
 * delegated: that matters when the limit is carried out nowhere else.
 */
static int limit_write(const char *leaf, const struct cgroup_limit *limit, struct failure *failure)
{
	int err = file_write(leaf, limit->file, limit->value);

	if (err == -ENOENT && strcmp(limit->file, "io.weight") == 0)
		err = file_write(leaf, "io.bfq.weight", limit->value);
	if (!err)
		return 0;
	if (!limit->field) {
		report_debug("%s/%s: %s: %s", leaf, limit->file, limit->value, strerror(-err));
		return 0;
	}
	if (err == -ENOENT || err == -EACCES || err == -EPERM)
		return failure_set(failure, err, "%s: \"%s\": the %.*s controller is missing or not "
				   "delegated at %s", limit->field, limit->value,
				   (int)strcspn(limit->file, "."), limit->file, leaf);
	return failure_set(failure, err, "%s: \"%s\": refused by the kernel: %s", limit->field,
			   limit->value, strerror(-err));
}

static int limits_write(const char *leaf, const struct cgroup_limits *limits,
			struct failure *failure)
{
	for (size_t i = 0; i < limits->n; i++) {
		int err = limit_write(leaf, &limits->v[i], failure);

		if (err)
			return err;
	}
	return 0;
}

/* No cgroup: what only it could carry out is refused. */
static int go_without(const struct cgroup_limits *limits, struct failure *failure)
{
	for (size_t i = 0; i < limits->n; i++) {
		if (limits->v[i].field)
			return failure_set(failure, -ENOENT, "%s: \"%s\": expected a cgroup v2 at "
					   CGROUP_TOP " that is delegated to this user",
					   limits->v[i].field, limits->v[i].value);
	}
	report_debug("no cgroup v2 that we may write: going on without");
	return 0;
}

int cgroup_update(const char *leaf, const struct container_config *config,
		  const struct vm_size *size, struct arena *arena, struct failure *failure)
{
	struct cgroup_limits limits = { .n = 0 };
	int err;

	cgroup_limits_of(&limits, config, size, arena);
	if (!leaf)
		return go_without(&limits, failure);
	err = cgroup_systemd_update(leaf, config, &limits, arena, failure);
	return err ? err : limits_write(leaf, &limits, failure);
}

/*
 * The leaf as it is called, or where nobody asked for a name and a container of another ROOT has it, or
 * one that is ending, with a number behind it. A descriptor or -errno.
 */
static int make_leaf(const char **leaf, bool is_asked_for, struct arena *arena)
{
	const char *name = *leaf;
	int fd = make_below_top(name);

	for (unsigned int i = 2; fd == -EEXIST && !is_asked_for && i < LEAF_NAMES; i++) {
		*leaf = arena_printf(arena, "%s.%u", name, i);
		fd = make_below_top(*leaf);
	}
	return fd;
}

/*
 * Whoever has no right to make it goes on without, as with runc; one that is asked for by name and
 * cannot be had for another reason is an error: its limits would be nobody's.
 */
static int create_by_hand(struct cgroup *cgroup, const struct container_config *config,
			  struct arena *arena, struct failure *failure)
{
	const char *leaf = cgroup_is_v2() ? cgroup_leaf_path(config, arena) : NULL;
	int err;

	if (!leaf)
		return 0;
	err = make_leaf(&leaf, config->cgroups_path, arena);
	if (err >= 0) {
		cgroup->leaf = leaf;
		cgroup->fd = err;
		return 0;
	}
	if (err == -EACCES || err == -EPERM || err == -EROFS) {
		report_debug("%s: cannot make, going on without: %s", leaf, strerror(-err));
		return 0;
	}
	return failure_set(failure, err == -EEXIST ? -EBUSY : err, "%s: \"%s\": %s",
			   config->cgroups_path ? "linux.cgroupsPath" : "cgroup", leaf,
			   err == -EEXIST ? "in use: expected a cgroup of this container alone" :
			   strerror(-err));
}

int cgroup_create(struct cgroup *cgroup, const struct container_config *config,
		  const struct vm_size *size, enum cgroup_manager manager, struct arena *arena,
		  struct failure *failure)
{
	struct cgroup_limits limits = { .n = 0 };
	bool by_systemd = manager == CGROUP_MANAGER_SYSTEMD ||
			  (config->cgroups_path && strchr(config->cgroups_path, ':'));
	int err = 0;

	*cgroup = (struct cgroup)CGROUP_NONE;
	cgroup_limits_of(&limits, config, size, arena);
	if (manager != CGROUP_MANAGER_NONE)
		err = by_systemd ? cgroup_systemd_create(cgroup, config, &limits, arena, failure) :
				   create_by_hand(cgroup, config, arena, failure);
	if (!err && cgroup->leaf) {
		if (cgroup->fd < 0)
			cgroup->fd = cgroup_open(cgroup->leaf);
		cgroup->id = cgroup_id(cgroup->leaf);
	}
	if (!err)
		err = cgroup->leaf ? limits_write(cgroup->leaf, &limits, failure) :
				     go_without(&limits, failure);
	if (err && cgroup->leaf) {
		cgroup_settle(cgroup);
		cgroup_remove(cgroup->leaf, cgroup->id);
		drop_fd(&cgroup->fd);
		cgroup->leaf = NULL;
	}
	return err;
}

void cgroup_settle(struct cgroup *cgroup)
{
	drop_fd(&cgroup->keeper_fd);
	if (cgroup->keeper_pid > 0)
		waitpid(cgroup->keeper_pid, NULL, 0);
	cgroup->keeper_pid = 0;
}

int cgroup_open(const char *leaf)
{
	return leaf ? open(leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

void cgroup_oom_open(struct cgroup_oom_fds *fds, const char *leaf)
{
	autoclose int dir = cgroup_open(leaf);

	*fds = (struct cgroup_oom_fds)CGROUP_OOM_NONE;
	if (dir < 0)
		return;
	fds->max = openat(dir, "memory.max", O_RDONLY | O_CLOEXEC);
	fds->current = openat(dir, "memory.current", O_RDONLY | O_CLOEXEC);
	fds->group = openat(dir, "memory.oom.group", O_RDWR | O_CLOEXEC);
	fds->swap_max = openat(dir, "memory.swap.max", O_RDWR | O_CLOEXEC);
}

void cgroup_oom_close(struct cgroup_oom_fds *fds)
{
	drop_fd(&fds->max);
	drop_fd(&fds->current);
	drop_fd(&fds->group);
	drop_fd(&fds->swap_max);
}

uint64_t cgroup_id(const char *leaf)
{
	struct stat st;

	return stat(leaf, &st) < 0 ? 0 : st.st_ino;
}

void cgroup_kill(const char *leaf, uint64_t id)
{
	autoclose int dir = cgroup_open(leaf);
	autoclose int file = -1;
	struct stat st;

	if (dir < 0 || fstat(dir, &st) < 0 || st.st_ino != id)
		return;
	file = openat(dir, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	if (file < 0 || write(file, "1", 1) != 1)
		report_debug("%s/cgroup.kill: %s", leaf, strerror(errno));
}

/*
 * A scope is systemd's to remove, once it has seen that nothing is left in it: one that is gone before it
 * looks it takes for running for ever.
 */
static void wait_for_systemd(const char *leaf, uint64_t id, const struct timespec *step)
{
	static const char suffix[] = ".scope";
	size_t len = strlen(leaf);

	if (len < sizeof(suffix) || strcmp(leaf + len - (sizeof(suffix) - 1), suffix) != 0)
		return;
	for (int i = 0; i < SCOPE_TRIES && cgroup_id(leaf) == id; i++)
		nanosleep(step, NULL);
}

void cgroup_remove(const char *leaf, uint64_t id)
{
	const struct timespec step = { .tv_nsec = REMOVE_STEP_NS };

	cgroup_kill(leaf, id);
	wait_for_systemd(leaf, id, &step);
	if (cgroup_id(leaf) != id)
		return;
	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (rmdir(leaf) == 0 || errno == ENOENT)
			return;
		if (errno != EBUSY)
			break;
		nanosleep(&step, NULL);
	}
	report_warning("%s: cannot remove: %s", leaf, strerror(errno));
}
