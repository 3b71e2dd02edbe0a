/* SPDX-License-Identifier: Apache-2.0 */
/* Containers, init's side; see container.h. */
#include "container.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "blocks.h"
#include "cgroup.h"
#include "devices.h"
#include "ends.h"
#include "kernel.h"
#include "machine.h"
#include "network.h"
#include "notify.h"
#include "process.h"
#include "setup.h"
#include "share.h"
#include "sysctl.h"

static struct container containers[CONTAINERS_MAX];
static bool roots_mounted, volumes_mounted;

struct container *container_find(uint32_t number)
{
	for (unsigned int i = 0; i < CONTAINERS_MAX; i++) {
		if (containers[i].used && containers[i].number == number)
			return &containers[i];
	}
	return NULL;
}

static struct container *free_slot(void)
{
	for (unsigned int i = 0; i < CONTAINERS_MAX; i++) {
		if (!containers[i].used)
			return &containers[i];
	}
	return NULL;
}

/*
 * The virtio-fs devices, each mounted when first needed: a template snapshot has no FUSE session.
 */
static int mount_shares(const struct plan *p, struct report *r)
{
	struct plan_mount_view v;
	bool wants_volumes = false;
	size_t pos = 0;
	int err;

	while (plan_next_mount(p, &pos, &v))
		wants_volumes |= le32_get(v.m->kind) == PLAN_MOUNT_EXPORT;
	err = roots_mounted ? 0 : share_mount("nacre", MACHINE_ROOTS);
	if (err < 0)
		return report_set(r, FAILED_NACRE, -err, "virtio-fs of the root file system");
	roots_mounted = true;
	err = 0;
	if (wants_volumes && !volumes_mounted)
		err = share_mount("nacre-volumes", MACHINE_VOLUMES);
	if (err < 0)
		return report_set(r, FAILED_NACRE, -err, "virtio-fs of the volumes");
	volumes_mounted |= wants_volumes;
	return 0;
}

/* Does it mount its cgroup writable? */
static bool wants_cgroup(const struct plan *p)
{
	struct plan_mount_view v;
	size_t pos = 0;

	while (plan_next_mount(p, &pos, &v)) {
		if ((strcmp(v.type, "cgroup") == 0 || strcmp(v.type, "cgroup2") == 0) &&
		    (le32_get(v.m->flags) & MS_RDONLY) == 0)
			return true;
	}
	return false;
}

static int make_cgroup(struct container *c, const struct plan *p, struct report *r)
{
	struct cursor body;
	size_t pos = 0;

	c->cgroup = cgroup_make(c->number);
	if (c->cgroup < 0)
		return report_set(r, FAILED_NACRE, -c->cgroup, "cgroup of the container");
	while (plan_next(p, &pos, PLAN_CGROUP, &body)) {
		const char *file = cursor_take_string(&body);
		const char *value = cursor_take_string(&body);
		int err = cgroup_write(c->cgroup, file, value);

		if (err < 0)
			return report_set(r, FAILED_NACRE, -err, "cgroup: %s = \"%s\"", file,
					  value);
	}
	pos = 0;
	if (plan_next(p, &pos, PLAN_DEVICE_FILTER, &body)) {
		int err = cgroup_device_filter(c->cgroup, body.p, body.left / 8);

		if (err < 0)
			return report_set(r, FAILED_NACRE, -err, "cgroup: device filter");
	}
	if (wants_cgroup(p)) {
		int err = cgroup_delegate(c->cgroup);

		if (err < 0)
			return report_set(r, FAILED_NACRE, -err, "cgroup: its owner");
	}
	return 0;
}

/* Clones into the container's new namespaces and cgroup. In the parent 0 or -errno. */
static int clone_process(struct container *c, const struct process_start *start)
{
	struct clone_args args = {
		/* The cgroup namespace comes later, from inside the cgroup: process.c. */
		.flags = (c->namespaces & ~(uint64_t)CLONE_NEWCGROUP) | CLONE_PIDFD |
			 CLONE_INTO_CGROUP,
		.pidfd = (uint64_t)(uintptr_t)&c->init_fd,
		.exit_signal = SIGCHLD,
		.cgroup = (unsigned int)c->cgroup,
	};
	pid_t pid = kernel_clone3(&args);

	if (pid == 0)
		process_become(start);
	if (pid < 0)
		return pid;
	c->init = pid;
	return 0;
}

/* Writes one line to a file of the process's /proc directory. 0 or -errno. */
static int write_proc(pid_t pid, const char *file, const char *text)
{
	char path[64];
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* Container ids 0 to id_count - 1 are PLAN_ID_BASE and up here: as on the FUSE wire. */
static int map_ids(const struct container *c, const struct plan *p)
{
	char map[64];
	int r;

	snprintf(map, sizeof(map), "0 %u %u\n", PLAN_ID_BASE, le32_get(p->process->id_count));
	r = write_proc(c->init, "uid_map", map);
	return r < 0 ? r : write_proc(c->init, "gid_map", map);
}

static int start_process(struct container *c, const struct plan *p, struct process_ends *ends,
			 struct report *r)
{
	struct process_start start = {
		.plan = p,
		.number = c->number,
		.join_fd = -1,
	};
	int err = ends_open(p, ends, &start);

	if (err == 0)
		err = clone_process(c, &start);
	if (err < 0)
		report_set(r, FAILED_NACRE, -err, "process of the container");
	ends_close_theirs(&start);
	if (err < 0)
		return err;
	err = network_give(p, c->init, r);
	if (err < 0)
		return err;
	err = map_ids(c, p);
	if (err == 0)
		err = setup_tell(ends->setup_fd, SETUP_GO);
	return err < 0 ? report_set(r, FAILED_NACRE, -err, "user namespace") : 0;
}

struct container *container_make(uint32_t number, const struct plan *p, struct process_ends *ends,
				 struct report *r)
{
	struct container *c = free_slot();

	ends_init(ends);
	if (!c || container_find(number)) {
		report_set(r, FAILED_NACRE, c ? EEXIST : ENOSPC, "container %u", number);
		return NULL;
	}
	*c = (struct container){ .used = true,
				 .users = 1,
				 .number = number,
				 .namespaces = le32_get(p->process->namespaces_lo) |
					       CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID,
				 .cgroup = -1,
				 .init = -1,
				 .init_fd = -1,
				 .reaper = plan_has(p, PLAN_INIT_REAPER) };
	if (sysctl_check(p, r) == 0 && mount_shares(p, r) == 0 && make_cgroup(c, p, r) == 0 &&
	    blocks_give(p, r) == 0 && devices_prepare(number, p, r) == 0 &&
	    notify_make(number, p, &ends->notify_fd, r) == 0 &&
	    start_process(c, p, ends, r) == 0)
		return c;
	ends_close(ends);
	if (c->init > 0) {
		/* It has not got past its first wait, so nobody makes it linger. */
		container_kill(c);
		while (waitpid(c->init, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	container_leave(c);
	return NULL;
}

/*
 * A child in the pid namespace of the container: whose parent is init all the same, so that init
 * waits for it. Only what is cloned next is affected by setns(2) with CLONE_NEWPID, and init's own
 * is taken back at once. The pid or -errno.
 */
static pid_t clone_into(const struct container *c, int cgroup, const struct process_start *start)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (unsigned int)cgroup,
	};
	int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC), r;
	pid_t pid;

	if (own < 0)
		return -errno;
	r = kernel_setns(c->init_fd, CLONE_NEWPID);
	pid = r < 0 ? r : kernel_clone3(&args);
	if (pid == 0)
		process_join(start);
	r = kernel_setns(own, CLONE_NEWPID);
	if (r < 0)
		machine_die("pid namespace: %s", strerror(-r));
	close(own);
	return pid;
}

/*
 * A container that has made cgroups of its own and given them controllers has no processes in its
 * cgroup itself (EBUSY; cgroup-v2.rst "No Internal Process Constraint"): then where its PID 1 is.
 */
static pid_t clone_joining(const struct container *c, const struct process_start *start)
{
	pid_t pid = clone_into(c, c->cgroup, start);
	int cgroup;

	if (pid != -EBUSY)
		return pid;
	cgroup = cgroup_open_of(c->number, c->init);
	if (cgroup < 0)
		return cgroup;
	pid = clone_into(c, cgroup, start);
	close(cgroup);
	return pid;
}

struct container *container_join(uint32_t number, const struct plan *p, struct process_ends *ends,
				 pid_t *child, struct report *r)
{
	struct container *c = container_find(number);
	struct process_start start = {
		.plan = p,
		.number = number,
	};
	int err;

	ends_init(ends);
	*child = -1;
	if (!c || !c->made || c->init < 0) {
		report_set(r, FAILED_NACRE, 0, "container not running");
		return NULL;
	}
	start.join_fd = c->init_fd;
	start.namespaces = c->namespaces;
	err = ends_open(p, ends, &start);
	if (err == 0)
		err = *child = clone_joining(c, &start);
	ends_close_theirs(&start);
	if (err >= 0) {
		c->users++;
		return c;
	}
	ends_close(ends);
	*child = -1;
	/* A pid namespace whose PID 1 is dead says ENOMEM: pid_namespaces(7). */
	if (err == -ESRCH || err == -ENOMEM)
		report_set(r, FAILED_NACRE, 0, "container not running");
	else
		report_set(r, FAILED_NACRE, -err, "process in the container");
	return NULL;
}

static int set_limits(const struct plan *p, pid_t pid, struct report *r)
{
	struct rlimit files;
	struct cursor body;
	size_t pos = 0;

	/* Init's own soft limit is for init. */
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return report_set(r, FAILED_NACRE, errno, "rlimit of files");
	files.rlim_cur = MACHINE_FILES_SOFT;
	if (prlimit(pid, RLIMIT_NOFILE, &files, NULL) < 0)
		return report_set(r, FAILED_NACRE, errno, "rlimit of files");
	while (plan_next(p, &pos, PLAN_RLIMIT, &body)) {
		const struct plan_rlimit *l = cursor_take(&body, sizeof(*l));
		struct { /* prlimit64(2); ~0 is "no limit" there too */
			uint64_t soft, hard;
		} limit = { le64_get(l->soft), le64_get(l->hard) };

		if (syscall(SYS_prlimit64, pid, le32_get(l->resource), &limit, NULL) < 0)
			return report_set(r, FAILED_NACRE, errno, "rlimit %u",
					  le32_get(l->resource));
	}
	return 0;
}

int container_finish(const struct container *c, const struct plan *p, pid_t pid, struct report *r)
{
	char score[16];
	int err;

	snprintf(score, sizeof(score), "%d", (int32_t)le32_get(p->process->oom_score_adj));
	err = write_proc(pid, "oom_score_adj", score);
	if (err < 0)
		return report_set(r, FAILED_NACRE, -err, "oom_score_adj %s", score);
	err = sysctl_write_others(p, c->init_fd, r);
	return err < 0 ? err : set_limits(p, pid, r);
}

void container_kill(const struct container *c)
{
	if (c->cgroup >= 0)
		(void)cgroup_kill(c->cgroup);
	if (c->init_fd >= 0)
		(void)kernel_pidfd_send_signal(c->init_fd, SIGKILL);
}

void container_leave(struct container *c)
{
	int r;

	if (--c->users > 0)
		return;
	if (c->cgroup >= 0)
		close(c->cgroup);
	if (c->init_fd >= 0)
		close(c->init_fd);
	devices_forget(c->number);
	r = cgroup_remove(c->number);
	if (r < 0)
		machine_log("cgroup of container %u: %s", c->number, strerror(-r));
	c->used = false;
}
