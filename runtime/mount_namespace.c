/* SPDX-License-Identifier: Apache-2.0 */
/* The container's namespaces on the host, made by a child; see exports.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "exports.h"
#include "fd.h"
#include "net_socket.h"
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
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int target = (int)syscall(SYS_openat2, exports->root_fd, exports->volume_targets[i], &how,
				  sizeof(how));
	struct stat st;

	if (target < 0)
		return;
	if (fstat(target, &st) == 0 && !S_ISDIR(st.st_mode) == exports->volume_is_file[i])
		move_mount(exports->volume_fds[i], "", target, "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	close(target);
}

static enum step child_mount(const struct exports *exports, const char *place)
{
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return STEP_PRIVATE;
	if (move_mount(exports->root_fd, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return STEP_ROOT;
	for (size_t i = 0; i < exports->n_volumes; i++)
		volume_attach(exports, i);
	/* pivot_root(2): "." for both puts the old root on top of the new one */
	if (chdir(place) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return STEP_PIVOT;
	return STEP_DONE;
}

/* Tells the parent how it went, and keeps the namespace until the parent closes the socket. */
static void __attribute__((noreturn))
child_main(const struct exports *exports, const char *place, int socket)
{
	struct verdict verdict = { .step = STEP_DONE };
	char byte;

	verdict.step = child_mount(exports, place);
	verdict.err = verdict.step == STEP_DONE ? 0 : errno;
	if (write(socket, &verdict, sizeof(verdict)) != (ssize_t)sizeof(verdict))
		_exit(1);
	while (read(socket, &byte, 1) < 0 && errno == EINTR)
		;
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

/* What a child that has made them holds. 0, or -errno with the failure set. */
static int namespaces_take(pid_t pid, int socket, int *mount_ns, int *net_ns,
			   struct failure *failure)
{
	struct verdict verdict = { .step = STEP_PRIVATE, .err = EIO };

	if (read(socket, &verdict, sizeof(verdict)) != (ssize_t)sizeof(verdict))
		verdict.err = EIO;
	if (verdict.step != STEP_DONE)
		return failure_set(failure, -verdict.err, "%s: %s", step_texts[verdict.step],
				   strerror(verdict.err));
	*mount_ns = namespace_open(pid, "mnt");
	if (net_ns && *mount_ns >= 0)
		*net_ns = namespace_open(pid, "net");
	if (*mount_ns < 0 || (net_ns && *net_ns < 0))
		return failure_set(failure, -ENOENT,
				   "cannot open the namespaces of the container");
	return 0;
}

int exports_namespaces(const struct exports *exports, const struct container_config *config,
		       const char *place, int *mount_ns, int *net_ns, struct failure *failure)
{
	bool make_net = (config->namespaces & CLONE_NEWNET) && !config->net_ns_path;
	int to_child[2] = { -1, -1 };
	pid_t pid;
	int err;

	if (config->net_ns_path) {
		*net_ns = net_namespace_open(config->net_ns_path, failure);
		if (*net_ns < 0)
			return *net_ns;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, to_child) < 0)
		return failure_set(failure, -errno, "socketpair: %s", strerror(errno));
	pid = spawn_clone(CLONE_NEWNS | (make_net ? CLONE_NEWNET : 0u), -1, NULL);
	if (pid == 0) {
		close(to_child[0]);
		child_main(exports, place, to_child[1]);
	}
	close(to_child[1]);
	if (pid > 0)
		err = namespaces_take(pid, to_child[0], mount_ns, make_net ? net_ns : NULL,
				      failure);
	else
		err = failure_set(failure, pid, "cannot make the container's namespaces: %s",
				  strerror(-pid));
	close(to_child[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return err;
}
