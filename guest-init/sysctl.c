/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel parameters; see sysctl.h. */
#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "setup.h"

#define PING_GROUP_RANGE "/proc/sys/net/ipv4/ping_group_range"
#define GROUP_MAX	 2147483647ul /* what the kernel takes there */

/* The namespace that a parameter belongs to, and its name as a path below /proc/sys. */
static const struct {
	const char *pattern;
	uint32_t namespace;
} owners[] = {
	{ "net/*", CLONE_NEWNET },
	{ "kernel/msgmax", CLONE_NEWIPC },
	{ "kernel/msgmnb", CLONE_NEWIPC },
	{ "kernel/msgmni", CLONE_NEWIPC },
	{ "kernel/sem", CLONE_NEWIPC },
	{ "kernel/shmall", CLONE_NEWIPC },
	{ "kernel/shmmax", CLONE_NEWIPC },
	{ "kernel/shmmni", CLONE_NEWIPC },
	{ "kernel/shm_rmid_forced", CLONE_NEWIPC },
	{ "fs/mqueue/*", CLONE_NEWIPC },
	{ "kernel/domainname", CLONE_NEWUTS },
	{ "kernel/hostname", CLONE_NEWUTS },
};

struct sysctl_path {
	char s[256];
};

/* The path of a dotted name; the decoder has seen to it that no part of it is "..". */
static struct sysctl_path path_of(const char *name)
{
	struct sysctl_path p;

	snprintf(p.s, sizeof(p.s), "/proc/sys/%s", name);
	for (char *c = p.s; *c; c++) {
		if (*c == '.')
			*c = '/';
	}
	return p;
}

/* The namespace of a parameter; 0 when it is the whole machine's. */
static uint32_t owner_of(const struct sysctl_path *path)
{
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		if (fnmatch(owners[i].pattern, path->s + strlen("/proc/sys/"), 0) == 0)
			return owners[i].namespace;
	}
	return 0;
}

static int write_value(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/*
 * net.ipv4.ping_group_range: the kernel takes groups of the writer's user namespace only, and callers
 * who mean "everybody" write more of them than the container has (Docker, containerd: "0 2147483647").
 * `value`, or in *fitted what of it the container's groups 0 to ids - 1 are. The kernel refuses what is
 * no range at all.
 */
static const char *fit_groups(const char *value, uint32_t ids, char (*fitted)[32])
{
	unsigned long from, to;
	char *end;

	from = strtoul(value, &end, 10);
	to = strtoul(end, &end, 10);
	end += strspn(end, " \t\n");
	if (*end || to < ids || to > GROUP_MAX || from > to)
		return value;
	if (from < ids)
		snprintf(*fitted, sizeof(*fitted), "%lu %u", from, ids - 1);
	else
		snprintf(*fitted, sizeof(*fitted), "1 0"); /* the kernel's own "nobody" */
	return *fitted;
}

/*
 * Writes the parameters of the plan that belong to the namespaces in `which`. The first that fails
 * is named in *name. 0 or -errno.
 */
static int write_some(const struct plan *p, uint32_t which, const char **name)
{
	struct cursor body;
	size_t pos = 0;

	while (plan_next(p, &pos, PLAN_SYSCTL, &body)) {
		struct sysctl_path path;
		const char *value;
		char fitted[32];
		int r;

		*name = cursor_take_string(&body);
		value = cursor_take_string(&body);
		path = path_of(*name);
		if (!(owner_of(&path) & which))
			continue;
		if (strcmp(path.s, PING_GROUP_RANGE) == 0)
			value = fit_groups(value, le32_get(p->process->id_count), &fitted);
		r = write_value(path.s, value);
		if (r < 0)
			return r;
	}
	return 0;
}

void sysctl_write_network(const struct plan *p)
{
	const char *name = NULL;
	int r = write_some(p, CLONE_NEWNET, &name);

	if (r == -ENOENT)
		setup_fail(0, "sysctl %s: there is none in the network namespace of a container, which has "
			   "a user namespace of its own", name);
	if (r < 0)
		setup_fail(-r, "sysctl %s", name);
}

int sysctl_check(const struct plan *p, struct report *r)
{
	uint32_t has = le32_get(p->process->namespaces_lo);
	struct cursor body;
	size_t pos = 0;

	while (plan_next(p, &pos, PLAN_SYSCTL, &body)) {
		const char *name = cursor_take_string(&body);
		struct sysctl_path path = path_of(name);

		if (!(owner_of(&path) & has))
			return report_set(r, FAILED_NACRE, 0,
					  "sysctl %s: not of a namespace of the container", name);
	}
	return 0;
}

/* Is there a parameter that the child cannot write? */
static bool has_others(const struct plan *p)
{
	struct cursor body;
	size_t pos = 0;

	while (plan_next(p, &pos, PLAN_SYSCTL, &body)) {
		struct sysctl_path path = path_of(cursor_take_string(&body));

		if (owner_of(&path) != CLONE_NEWNET)
			return true;
	}
	return false;
}

/*
 * In a helper process: from the container's namespaces, with init's user. Kernels since 6.9 give
 * the parameters of IPC to root of the user namespace instead. The exit status is errno.
 */
static _Noreturn void write_as_init(const struct plan *p, int pidfd)
{
	const char *name;
	int spaces = (int)(le32_get(p->process->namespaces_lo) & (CLONE_NEWIPC | CLONE_NEWUTS));
	int r;

	if (syscall(SYS_setns, pidfd, spaces) < 0)
		_exit(errno);
	r = write_some(p, CLONE_NEWUTS, &name);
	if (r == 0)
		r = write_some(p, CLONE_NEWIPC, &name);
	if (r == -EACCES && syscall(SYS_setns, pidfd, CLONE_NEWUSER) == 0 &&
	    syscall(SYS_setresuid, 0, 0, 0) == 0)
		r = write_some(p, CLONE_NEWIPC, &name);
	_exit(-r);
}

int sysctl_write_others(const struct plan *p, int pidfd, struct report *r)
{
	pid_t pid;
	int status;

	if (!has_others(p))
		return 0;
	pid = fork();
	if (pid == 0)
		write_as_init(p, pidfd);
	/* Waited for at once: it only writes to the kernel, so it depends on nobody. */
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return report_set(r, FAILED_NACRE, errno, "sysctl");
	if (WEXITSTATUS(status) != 0)
		return report_set(r, FAILED_NACRE, WEXITSTATUS(status), "sysctl of ipc or uts");
	return 0;
}
