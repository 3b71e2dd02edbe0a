/* SPDX-License-Identifier: Apache-2.0 */
/* Starts companion programs; see spawn.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <linux/close_range.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "clone3.h"
#include "fd.h"
#include "oom_score.h"
#include "spawn.h"
#include "visit.h"

/* For what a child does before execve(): a path or two. */
#define CHILD_STACK (64 << 10)

void spawn_begin(struct spawn *spawn, struct arena *arena, const char *path, const char *name)
{
	*spawn = (struct spawn){
		.arena = arena, .path = path, .std = { -1, -1, -1 }, .cgroup_fd = -1,
		.mount_ns = -1, .net_ns = -1, .pid_ns = -1,
	};
	spawn_arg(spawn, name);
}

void spawn_arg(struct spawn *spawn, const char *arg)
{
	string_list_add(spawn->arena, &spawn->argv, arg);
}

void spawn_arg_fd_with(struct spawn *spawn, const char *option, int fd, const char *suffix)
{
	if (spawn->n_fds == spawn->room) {
		spawn->room = spawn->room ? 2 * spawn->room : 16;
		spawn->fds = arena_grow(spawn->arena, spawn->fds, spawn->n_fds, spawn->room,
					sizeof(*spawn->fds));
	}
	spawn_arg(spawn, option);
	spawn_arg(spawn, arena_printf(spawn->arena, "%zu%s", SPAWN_FIRST_FD + spawn->n_fds,
				      suffix));
	spawn->fds[spawn->n_fds++] = fd;
}

void spawn_arg_fd(struct spawn *spawn, const char *option, int fd)
{
	spawn_arg_fd_with(spawn, option, fd, "");
}

/* A child in this cgroup, unless that is -1, whose pidfd is put there. */
static struct clone_args clone_args_of(uint64_t flags, int cgroup_fd, int *pidfd)
{
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (__u64)cgroup_fd;
	}
	return args;
}

pid_t spawn_clone(uint64_t flags, int cgroup_fd, int *pidfd)
{
	int fd = -1;
	struct clone_args args = clone_args_of(flags, cgroup_fd, &fd);
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0)
		return -errno; /* `fd` may be the number of one that the kernel has taken back */
	if (pid == 0)
		return 0;
	if (pidfd)
		*pidfd = fd;
	else
		close(fd);
	return (pid_t)pid;
}

/* In the child: dispositions as a new process expects them. Signal 32 and 33 are libc's own. */
static void child_reset_signals(bool keep_blocked)
{
	uint64_t none = 0;

	for (int signo = 1; signo <= SIGRTMAX; signo++) {
		struct sigaction action = { .sa_handler = SIG_DFL };

		sigaction(signo, &action, NULL); /* fails for KILL and STOP: as it should */
	}
	if (!keep_blocked)
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

/* In the child: puts sources[i] at number i, and closes the rest at execve(). 0 or -errno. */
static int child_place(int *sources, int n, int *error_fd)
{
	int moved;

	/* first all out of the way of the numbers that will be theirs */
	for (int i = 0; i < n; i++) {
		sources[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, n);
		if (sources[i] < 0)
			return -errno;
	}
	moved = fcntl(*error_fd, F_DUPFD_CLOEXEC, n);
	if (moved < 0)
		return -errno;
	*error_fd = moved;
	for (int i = 0; i < n; i++) {
		if (dup2(sources[i], i) < 0)
			return -errno;
	}
	if (syscall(SYS_close_range, (unsigned int)n, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	return 0;
}

/* In the child: the namespaces that it is to run in. 0 or -errno. */
static int child_enter(const struct spawn *spawn)
{
	if (spawn->net_ns >= 0 && setns(spawn->net_ns, CLONE_NEWNET) < 0)
		return -errno;
	if (spawn->mount_ns >= 0 && setns(spawn->mount_ns, CLONE_NEWNS) < 0)
		return -errno;
	return 0;
}

/* In the child: what the next execve() is to change. 0 or -errno. */
static int child_attribute(const char *file, const char *prefix, const char *value)
{
	char text[PATH_MAX];
	int len = snprintf(text, sizeof(text), "%s%s", prefix, value);
	autoclose int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (len >= (int)sizeof(text))
		return -ENAMETOOLONG;
	return write(fd, text, (size_t)len) == len ? 0 : -errno;
}

/* In the child: its domain. An AppArmor profile that is not there is reported by `nacre layers`. */
static int child_domain(const struct spawn *spawn)
{
	if (spawn->apparmor_profile)
		child_attribute("/proc/self/attr/apparmor/exec", "exec ", spawn->apparmor_profile);
	return spawn->selinux_label ?
		       child_attribute("/proc/self/attr/exec", "", spawn->selinux_label) : 0;
}

static void __attribute__((noreturn))
child_main(const struct spawn *spawn, int *sources, char *const *argv, char *const *env,
	   int error_fd)
{
	int err;

	setsid(); /* keys of the terminal are for nacre alone, which passes them on */
	child_reset_signals(spawn->keep_signals_blocked);
	if (spawn->oom_score) /* by the caller's /proc, as the domain */
		oom_score_take(spawn->oom_score);
	err = child_domain(spawn);
	if (!err)
		err = child_enter(spawn);
	if (!err && spawn->dir)
		(void)!chdir(spawn->dir);
	if (!err)
		err = child_place(sources, (int)(SPAWN_FIRST_FD + spawn->n_fds), &error_fd);
	/* so that a change of its size, and its end, reach the session as signals */
	if (!err && spawn->controlling_terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		err = -errno;
	if (!err) {
		execve(spawn->path, argv, env);
		err = -errno;
	}
	if (write(error_fd, &err, sizeof(err)) != (ssize_t)sizeof(err))
		_exit(126);
	_exit(127);
}

static char **strings_copy(struct arena *arena, const struct string_list *list)
{
	char **copy = arena_take(arena, (list->n + 1) * sizeof(*copy));

	for (size_t i = 0; i < list->n; i++)
		copy[i] = arena_printf(arena, "%s", list->v[i]);
	return copy;
}

static int spawn_prepare(struct spawn *spawn, int null_fd, int **sources)
{
	size_t n = SPAWN_FIRST_FD + spawn->n_fds;

	*sources = arena_take(spawn->arena, n * sizeof(**sources));
	for (int i = 0; i < SPAWN_FIRST_FD; i++)
		(*sources)[i] = spawn->std[i] >= 0 ? spawn->std[i] : null_fd;
	for (size_t i = 0; i < spawn->n_fds; i++) {
		if (spawn->fds[i] < 0)
			return -EBADF;
		(*sources)[SPAWN_FIRST_FD + i] = spawn->fds[i];
	}
	return 0;
}

struct birth {
	const struct spawn *spawn;
	int *sources;
	char *const *argv, *const *env;
	int error_fd;
	int *pidfd;
};

/*
 * The child: in our memory, until execve(). It may be killed at any moment, so it takes no lock and no memory of
 * libc's.
 */
static void be_born(void *ctx)
{
	const struct birth *birth = ctx;

	child_main(birth->spawn, birth->sources, birth->argv, birth->env, birth->error_fd);
}

/* The child's pid or -errno. We go on when it has become the other program, or has ended. */
static int give_birth(void *ctx)
{
	static _Alignas(16) uint8_t stack[CHILD_STACK];
	struct birth *birth = ctx;
	const struct spawn *spawn = birth->spawn;
	int fd = -1;
	struct clone_args args = clone_args_of(spawn->clone_flags | CLONE_VM | CLONE_VFORK,
					       spawn->cgroup_fd, &fd);
	long pid;

	if (spawn->cgroup_in_use) {
		pid = spawn_clone(spawn->clone_flags, spawn->cgroup_fd, birth->pidfd);
		if (pid == 0)
			be_born(birth);
		return (int)pid;
	}
	args.stack = (uintptr_t)stack;
	args.stack_size = sizeof(stack);
	pid = clone3_run(&args, be_born, birth);
	if (pid > 0)
		*birth->pidfd = fd;
	return (int)pid;
}

/* The same, in the pid namespace that is asked for. */
static int give_birth_inside(struct birth *birth)
{
	int pid, err;

	if (birth->spawn->pid_ns < 0)
		return give_birth(birth);
	err = visit_namespace(birth->spawn->pid_ns, CLONE_NEWPID, give_birth, birth, &pid);
	return err ? err : pid;
}

pid_t spawn_run(struct spawn *spawn, int *pidfd, struct failure *failure)
{
	autoclose int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	autoclose int child_end = -1;
	autoclose int our_end = -1;
	struct birth birth = {
		.spawn = spawn,
		.argv = strings_copy(spawn->arena, &spawn->argv),
		.env = strings_copy(spawn->arena, &spawn->env),
		.pidfd = pidfd,
	};
	int ends[2];
	int err = 0;
	pid_t pid;

	if (null_fd < 0)
		return failure_set(failure, -errno, "/dev/null: %s", strerror(errno));
	err = spawn_prepare(spawn, null_fd, &birth.sources);
	if (!err && pipe2(ends, O_CLOEXEC) < 0)
		err = -errno;
	if (err)
		return failure_set(failure, err, "%s: cannot start: %s", spawn->path,
				   strerror(-err));
	our_end = ends[0];
	child_end = ends[1];
	birth.error_fd = child_end;
	pid = give_birth_inside(&birth);
	if (pid < 0)
		return failure_set(failure, pid, "%s: cannot start: %s", spawn->path,
				   strerror(-pid));
	drop_fd(&child_end);
	/* the pipe closes at execve(): anything that comes is the error */
	if (read(our_end, &err, sizeof(err)) == (ssize_t)sizeof(err)) {
		drop_fd(pidfd);
		return failure_set(failure, err, "%s: cannot start: %s", spawn->path,
				   strerror(-err));
	}
	return pid;
}
