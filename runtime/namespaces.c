/* SPDX-License-Identifier: Apache-2.0 */
/* The container's namespaces on the host, made by a child; see namespaces.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fd.h"
#include "namespaces.h"
#include "net_socket.h"
#include "resolve.h"
#include "spawn.h"

/* What the child had to give up at, for the message. */
enum step { STEP_DONE, STEP_PRIVATE, STEP_ROOT, STEP_PIVOT, STEP_COUNT };

static const char *const step_texts[] = {
	[STEP_DONE] = "",
	[STEP_PRIVATE] = "cannot take the mounts out of the host's propagation",
	[STEP_ROOT] = "cannot mount the root file system",
	[STEP_PIVOT] = "cannot pivot into the root file system",
};
static_assert(sizeof(step_texts) / sizeof(step_texts[0]) == STEP_COUNT, "a text for each step");

struct verdict {
	int step, err;
};

/*
 * Mounts one volume on its destination, if that exists and is of the volume's kind. Where it does
 * not, nacre-init makes it inside the guest. The path is the image's: symbolic links lead nowhere
 * but into the root file system.
 */
static void volume_attach(const struct exports *exports, size_t i)
{
	int target = resolve_path(exports->root_fd, exports->volume_targets[i], RESOLVE_IMAGE);
	struct stat st;

	if (target < 0)
		return;
	if (fstat(target, &st) == 0 && !S_ISDIR(st.st_mode) == exports->volume_is_file[i])
		move_mount(exports->volume_fds[i], "", target, "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	close(target);
}

static enum step child_mount(const struct exports *exports, const char *root_path)
{
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return STEP_PRIVATE;
	/* the bundle's root.path may be a symbolic link */
	if (move_mount(exports->root_fd, "", AT_FDCWD, root_path,
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) < 0)
		return STEP_ROOT;
	for (size_t i = 0; i < exports->n_volumes; i++)
		volume_attach(exports, i);
	return STEP_DONE;
}

static enum step child_pivot(const char *root_path)
{
	/* pivot_root(2): "." for both puts the old root on top of the new one */
	if (chdir(root_path) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return STEP_PIVOT;
	return STEP_DONE;
}

static void child_tell(int socket, enum step step)
{
	struct verdict verdict = { .step = step, .err = step == STEP_DONE ? 0 : errno };

	if (write(socket, &verdict, sizeof(verdict)) != (ssize_t)sizeof(verdict))
		_exit(1);
}

/* Pivots when the parent says so, and ends when it closes the socket. */
static void __attribute__((noreturn))
child_main(const struct exports *exports, const char *root_path, int socket)
{
	ssize_t n;
	char byte;

	child_tell(socket, child_mount(exports, root_path));
	while ((n = read(socket, &byte, 1)) != 0) {
		if (n > 0)
			child_tell(socket, child_pivot(root_path));
		else if (errno != EINTR)
			break;
	}
	_exit(0);
}

static int namespace_open(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* What the child did. 0, or -errno with the failure set. */
static int verdict_read(int socket, struct failure *failure)
{
	struct verdict verdict;

	if (read(socket, &verdict, sizeof(verdict)) != (ssize_t)sizeof(verdict))
		return failure_set(failure, -EIO, "the process that makes the container's mounts "
				   "was killed");
	if (verdict.step != STEP_DONE)
		return failure_set(failure, -verdict.err, "%s: %s", step_texts[verdict.step],
				   strerror(verdict.err));
	return 0;
}

static int holder_start(struct namespaces *namespaces, const struct exports *exports,
			const struct container_config *config, uint64_t flags,
			struct failure *failure)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return failure_set(failure, -errno, "socketpair: %s", strerror(errno));
	pid = spawn_clone(flags, -1, NULL);
	if (pid == 0) {
		close(pair[0]);
		child_main(exports, config->root_path, pair[1]);
	}
	close(pair[1]);
	namespaces->holder_fd = pair[0];
	if (pid < 0)
		return failure_set(failure, pid, "cannot make the container's namespaces: %s",
				   strerror(-pid));
	namespaces->holder = pid;
	return verdict_read(pair[0], failure);
}

int namespaces_make(struct namespaces *namespaces, const struct exports *exports,
		    const struct container_config *config, struct failure *failure)
{
	bool make_net = (config->namespaces & CLONE_NEWNET) && config->net_ns_fd < 0;
	int err;

	if (!make_net && config->net_ns_fd >= 0) {
		namespaces->net_ns = fcntl(config->net_ns_fd, F_DUPFD_CLOEXEC, 3);
		if (namespaces->net_ns < 0)
			return failure_set(failure, -errno, "network namespace: %s",
					   strerror(errno));
	}
	err = holder_start(namespaces, exports, config,
			   CLONE_NEWNS | (make_net ? (uint64_t)CLONE_NEWNET : 0u), failure);
	if (err)
		return err;
	namespaces->mount_ns = namespace_open(namespaces->holder, "mnt");
	if (make_net)
		namespaces->net_ns = namespace_open(namespaces->holder, "net");
	if (namespaces->mount_ns < 0 || (make_net && namespaces->net_ns < 0))
		return failure_set(failure, -ENOENT,
				   "cannot open the namespaces of the container");
	return 0;
}

int namespaces_pivot(struct namespaces *namespaces, struct failure *failure)
{
	if (send(namespaces->holder_fd, "p", 1, MSG_NOSIGNAL) < 0)
		return failure_set(failure, -errno, "cannot pivot into the root file system: %s",
				   strerror(errno));
	return verdict_read(namespaces->holder_fd, failure);
}

void namespaces_close(struct namespaces *namespaces)
{
	drop_fd(&namespaces->holder_fd);
	if (namespaces->holder > 0)
		waitpid(namespaces->holder, NULL, 0);
	namespaces->holder = 0;
	drop_fd(&namespaces->mount_ns);
	drop_fd(&namespaces->net_ns);
}
