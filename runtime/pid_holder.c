/* SPDX-License-Identifier: Apache-2.0 */
/* The first process of a pid namespace; see pid_holder.h. */
#include "pid_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"
#include "spawn.h"

/* Nothing but descriptor 0, read() and exit() is left. False if that cannot be had. */
static bool confine(int fd)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { .effective = 0 } };

	prctl(PR_SET_NAME, "nacre-pids", 0L, 0L, 0L);
	return dup2(fd, 0) == 0 && syscall(SYS_close_range, 1u, ~0u, 0u) == 0 &&
	       setsid() >= 0 && chdir("/") == 0 && syscall(SYS_capset, &header, none) == 0 &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0 &&
	       prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0L, 0L, 0L) == 0;
}

static ssize_t byte_read(int fd)
{
	ssize_t n;
	char byte;

	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Confined once it is told, as ptrace(2) "Ptrace access mode checking" closes its /proc to our parent then. */
static void __attribute__((noreturn)) hold(int fd)
{
	if (byte_read(fd) != 1 || !confine(fd))
		_exit(125); /* the monitor's start fails: its namespace takes no process any more */
	while (byte_read(0) > 0)
		;
	for (;;)
		syscall(SYS_exit, 0); /* not exit_group(), which is not left */
}

int pid_holder_start(struct pid_holder *holder, int cgroup_fd, struct failure *failure)
{
	autoclose int their_end = -1;
	char path[64];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return failure_set(failure, -errno, "pipe: %s", strerror(errno));
	their_end = ends[0];
	holder->alive_fd = ends[1];
	holder->pid = spawn_clone(CLONE_NEWPID, cgroup_fd, NULL);
	if (holder->pid == 0) {
		close(holder->alive_fd);
		hold(their_end);
	}
	if (holder->pid < 0)
		return failure_set(failure, holder->pid, "cannot make a pid namespace: %s",
				   strerror(-holder->pid));
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)holder->pid);
	holder->pid_ns = open(path, O_RDONLY | O_CLOEXEC);
	if (holder->pid_ns < 0)
		return failure_set(failure, -errno, "%s: %s", path, strerror(errno));
	return write(holder->alive_fd, "", 1) == 1 ? 0 :
	       failure_set(failure, -errno, "first process of a pid namespace: %s", strerror(errno));
}

void pid_holder_close(struct pid_holder *holder)
{
	drop_fd(&holder->pid_ns);
	drop_fd(&holder->alive_fd);
}
