/* SPDX-License-Identifier: Apache-2.0 */
/* User namespaces for the companions; see userns.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fd.h"
#include "plan.h"
#include "userns.h"

#define KEEPER_STACK 16384

static int map_write(pid_t pid, const char *file, const char *map)
{
	char path[64];
	autoclose int fd = -1;
	size_t len = strlen(map);

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* user_namespaces(7): one write */
	if (write(fd, map, len) != (ssize_t)len)
		return -errno;
	return 0;
}

static int namespace_open(pid_t pid, const char *kind)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

struct keeper {
	int ends[2]; /* of a pipe that nobody writes to */
};

/* Keeps the namespace until the parent has a descriptor of it, or is gone. Shares our memory. */
static int keep(void *arg)
{
	const struct keeper *keeper = arg;
	char byte;

	close(keeper->ends[1]);
	while (read(keeper->ends[0], &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

/*
 * A process in a new user namespace and those that `more` says, as cheap as one can be: it copies nothing
 * of ours, and what it does needs a small stack. Returns its pid or -errno.
 */
static pid_t keeper_start(struct keeper *keeper, int more)
{
	static _Alignas(16) char stack[KEEPER_STACK];
	pid_t pid = clone(keep, stack + sizeof(stack), CLONE_VM | CLONE_NEWUSER | more | SIGCHLD,
			  keeper);

	return pid < 0 ? -errno : pid;
}

/* The user namespace; if net_ns_fd is not NULL, with a network namespace that belongs to it. */
static int create(const char *uid_map, const char *gid_map, int *net_ns_fd, struct failure *failure)
{
	autoclose int ours = -1;
	autoclose int fd = -1;
	autoclose int net_fd = -1;
	struct keeper keeper;
	pid_t pid;
	int err;

	if (pipe2(keeper.ends, O_CLOEXEC) < 0)
		return failure_set(failure, -errno, "pipe: %s", strerror(errno));
	ours = keeper.ends[1];
	pid = keeper_start(&keeper, net_ns_fd ? CLONE_NEWNET : 0);
	close(keeper.ends[0]);
	if (pid < 0)
		return failure_set(failure, pid, "cannot make a user namespace: %s%s",
				   strerror(-pid),
				   pid == -ENOSPC || pid == -EUSERS ?
				   " (see /proc/sys/user/max_user_namespaces)" : "");
	fd = namespace_open(pid, "user");
	err = fd < 0 ? fd : map_write(pid, "uid_map", uid_map);
	if (!err)
		err = map_write(pid, "gid_map", gid_map);
	if (!err && net_ns_fd) {
		net_fd = namespace_open(pid, "net");
		err = net_fd < 0 ? net_fd : 0;
	}
	drop_fd(&ours);
	waitpid(pid, NULL, 0);
	if (err == -EPERM)
		return failure_set(failure, err, "cannot map the container's ids: expected that all "
				   "of them are ours: for a user 65536 subordinate ids in "
				   "/etc/subuid and /etc/subgid, and newuidmap (package uidmap)");
	if (err)
		return failure_set(failure, err, "cannot map ids of a user namespace: %s",
				   strerror(-err));
	if (net_ns_fd)
		*net_ns_fd = steal_fd(&net_fd);
	return steal_fd(&fd);
}

/*
 * Adds lines that map `count` ids. The kernel takes a line only if all of it lies in one line of the
 * map of our own namespace (`own`, a file): a range that spans several is cut at their ends.
 */
static const char *map_add(struct arena *arena, const char *text, const char *own,
			   struct config_id_map wanted)
{
	FILE *in = fopen(own, "re");
	uint64_t begin, outside, count, at = wanted.host;
	uint64_t end = at + wanted.size;

	/* lines of the kernel's, in the order of ids inside where newuidmap or we wrote them */
	while (in && at < end &&
	       fscanf(in, "%" SCNu64 " %" SCNu64 " %" SCNu64, &begin, &outside, &count) == 3) { /* NOLINT(cert-err34-c) */
		uint64_t n = begin + count < end ? begin + count - at : end - at;

		if (at < begin || at >= begin + count)
			continue;
		text = arena_printf(arena, "%s%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", text,
				    wanted.container + (at - wanted.host), at, n);
		at += n;
	}
	if (in)
		fclose(in);
	if (at < end) /* not ours: the kernel says so */
		text = arena_printf(arena, "%s%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", text,
				    wanted.container + (at - wanted.host), at, end - at);
	return text;
}

/* The ids inside lie `base` higher than the maps say. */
static const char *map_text(struct arena *arena, const struct config_id_maps *maps, uint32_t base,
			    const char *own)
{
	const char *text = "";

	for (size_t i = 0; i < maps->n; i++)
		text = map_add(arena, text, own,
			       (struct config_id_map){ base + maps->v[i].container,
						       maps->v[i].host, maps->v[i].size });
	return text;
}

static int create_with_maps(const struct config_id_maps *uids, const struct config_id_maps *gids,
			    uint32_t base, struct failure *failure)
{
	struct arena arena = { .blocks = NULL };
	int fd = create(map_text(&arena, uids, base, "/proc/self/uid_map"),
			map_text(&arena, gids, base, "/proc/self/gid_map"), NULL, failure);

	arena_free(&arena);
	return fd;
}

int userns_create_for_fsd(const struct container_config *config, struct failure *failure)
{
	struct config_id_map own = { .size = config->id_count };
	struct config_id_maps all = { .v = &own, .n = 1 };

	return create_with_maps(config->uid_maps.n ? &config->uid_maps : &all,
				config->gid_maps.n ? &config->gid_maps : &all, PLAN_ID_BASE, failure);
}

int userns_create_for_mount(const struct config_id_maps *uids, const struct config_id_maps *gids,
			    struct failure *failure)
{
	return create_with_maps(uids, gids, 0, failure);
}

int userns_create_for_vmm(uint32_t uid, uint32_t gid, int *net_ns_fd, struct failure *failure)
{
	char uid_map[32], gid_map[32];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1\n", uid);
	snprintf(gid_map, sizeof(gid_map), "0 %u 1\n", gid);
	return create(uid_map, gid_map, net_ns_fd, failure);
}
