/* SPDX-License-Identifier: Apache-2.0 */
/* Running as an ordinary user; see rootless.h. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fd.h"
#include "report.h"
#include "rootless.h"
#include "subid.h"

/* Room for a number. */
#define NUMBER_MAX 16

static int file_write(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	return write(fd, text, len) == (ssize_t)len ? 0 : -errno;
}

/* In a child that stayed outside: "newuidmap PID 0 OWN 1 1 START COUNT". */
static bool run_newidmap(const char *program, pid_t pid, uint32_t own,
			 const struct subid_range *range)
{
	char text[4][NUMBER_MAX];
	char name[16], zero[] = "0", one[] = "1", first[] = "1";
	char *const argv[] = { name, text[0], zero, text[1], one, first, text[2], text[3], NULL };
	int status = 0;
	pid_t child;

	snprintf(name, sizeof(name), "%s", program);
	snprintf(text[0], NUMBER_MAX, "%d", (int)pid);
	snprintf(text[1], NUMBER_MAX, "%u", own);
	snprintf(text[2], NUMBER_MAX, "%u", range->start);
	snprintf(text[3], NUMBER_MAX, "%u", range->count);
	child = fork();
	if (child == 0) {
		execvp(program, argv);
		_exit(127);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

/* Maps the ids of `pid`, which waits in its new namespace. True if newuidmap and newgidmap did. */
static bool map_subordinate(pid_t pid)
{
	const struct passwd *user = getpwuid(getuid());
	struct subid_range uids, gids;

	return user && subid_range_of_user("/etc/subuid", user->pw_name, getuid(), &uids) &&
	       subid_range_of_user("/etc/subgid", user->pw_name, getuid(), &gids) &&
	       run_newidmap("newuidmap", pid, getuid(), &uids) &&
	       run_newidmap("newgidmap", pid, getgid(), &gids);
}

/* The caller's own id is all that may be mapped without a privilege (user_namespaces(7)). */
static int map_own(uid_t uid, gid_t gid)
{
	char map[64];
	int err;

	snprintf(map, sizeof(map), "0 %u 1\n", uid);
	err = file_write("/proc/self/uid_map", map);
	if (!err)
		err = file_write("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1\n", gid);
	return err ? err : file_write("/proc/self/gid_map", map);
}

/*
 * The child that maps our ids from outside: it begins when `go` is closed by us, and tells on `answer`
 * whether it could.
 */
static void __attribute__((noreturn)) mapper_main(pid_t pid, int go, int answer)
{
	char byte;
	bool done;

	while (read(go, &byte, 1) < 0 && errno == EINTR)
		;
	done = map_subordinate(pid);
	if (write(answer, &done, sizeof(done)) != (ssize_t)sizeof(done))
		_exit(1);
	_exit(0);
}

/* Enters the namespaces and has the child map ids. 0 or -errno; *mapped tells what came of it. */
static int enter_mapped(bool *mapped)
{
	pid_t self = getpid(), mapper;
	int go[2], answer[2];
	int err = 0;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(answer, O_CLOEXEC) < 0) {
		err = -errno;
		close(go[0]);
		close(go[1]);
		return err;
	}
	mapper = fork();
	if (mapper == 0) {
		close(go[1]);
		close(answer[0]);
		mapper_main(self, go[0], answer[1]);
	}
	close(go[0]);
	close(answer[1]);
	if (mapper < 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		err = -errno;
	close(go[1]);
	if (read(answer[0], mapped, sizeof(*mapped)) != (ssize_t)sizeof(*mapped))
		*mapped = false;
	close(answer[0]);
	if (mapper > 0)
		waitpid(mapper, NULL, 0);
	return err;
}

int rootless_enter(struct failure *failure)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool mapped = false;
	int err;

	if (uid == 0)
		return 0;
	err = enter_mapped(&mapped);
	if (err)
		return failure_set(failure, err, "cannot make a user namespace: %s%s", strerror(-err),
				   err == -EPERM || err == -EACCES ? ": expected that users may (see "
				   "kernel.unprivileged_userns_clone, docs/hardening.md)" : "");
	if (!mapped) {
		report_debug("no subordinate ids: expected newuidmap and an entry in /etc/subuid");
		err = map_own(uid, gid);
	}
	if (!err && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		err = -errno;
	if (!err && mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		err = -errno;
	if (err)
		return failure_set(failure, err, "cannot become root of a user namespace: %s",
				   strerror(-err));
	return 0;
}

bool rootless_active(void)
{
	unsigned int inside = 1, outside = 1, count = 0;
	FILE *in = fopen("/proc/self/uid_map", "re");
	/* the kernel wrote it */
	bool all = in && fscanf(in, "%u %u %u", &inside, &outside, &count) == 3 && /* NOLINT(cert-err34-c) */
		   inside == 0 && outside == 0 && count == UINT32_MAX;

	if (in)
		fclose(in);
	return !all || geteuid() != 0;
}

int rootless_join(pid_t pid, struct failure *failure)
{
	autoclose int fd = -1;
	char path[64];

	if (geteuid() == 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWUSER) < 0)
		return failure_set(failure, -errno, "cannot join the container's user namespace: %s",
				   strerror(errno));
	return setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 ?
		       failure_set(failure, -errno, "cannot become root of the container's user "
				   "namespace: %s", strerror(errno)) : 0;
}
