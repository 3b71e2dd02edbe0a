/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of confinement. See stages.h. */
#include "stages.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "node.h"
#include "plan.h"

#define CAP_BIT(c) (UINT64_C(1) << (c))

static const uint64_t kept_capabilities =
	CAP_BIT(CAP_CHOWN) |        /* SETATTR's owner */
	CAP_BIT(CAP_DAC_OVERRIDE) | /* files of any owner; the guest's kernel has checked */
	CAP_BIT(CAP_FOWNER) |       /* SETATTR's mode and times of files of any owner */
	CAP_BIT(CAP_FSETID) |       /* set-group-id in a mode when the group is not ours */
	CAP_BIT(CAP_SETUID) |       /* setfsuid() around creation */
	CAP_BIT(CAP_SETGID) |       /* setfsgid() around creation */
	CAP_BIT(CAP_SETFCAP);       /* security.capability */

static void find_devtmpfs(struct export_table *t, int proc_self_fd)
{
	int fd = openat(proc_self_fd, "mountinfo", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	export_find_devtmpfs(t, fd);
	close(fd);
}

/*
 * As a mount of its own that lies nowhere. ".." of a directory in the host's /proc leads to the host's root,
 * whatever mount namespace we are in by then; and chmod(2) and its like, of which Landlock knows nothing, would
 * make a program there set-id where the container's root is the host's. A descriptor or -errno.
 */
static int own_fds_open(int proc_self_fd)
{
	int fd = (int)syscall(SYS_open_tree, proc_self_fd, "fd", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	/* Who may not do this may not enter a container's namespaces either: tests of a user. */
	if (fd < 0 && errno == EPERM)
		fd = openat(proc_self_fd, "fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int stage_open_proc(struct export_table *t, int *proc_fd, int *proc_self_fd)
{
	*proc_self_fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*proc_self_fd < 0)
		return -errno;
	*proc_fd = own_fds_open(*proc_self_fd);
	if (*proc_fd < 0)
		return *proc_fd;
	find_devtmpfs(t, *proc_self_fd);
	return 0;
}

int stage_enter_mounts(struct export_table *t, int mount_ns_fd, int proc_self_fd, int proc_fd)
{
	if (mount_ns_fd >= 0) {
		if (setns(mount_ns_fd, CLONE_NEWNS) < 0)
			return -errno;
		find_devtmpfs(t, proc_self_fd);
	}
	return fchdir(proc_fd) < 0 ? -errno : 0;
}

int stage_enter_user(int user_ns_fd)
{
	if (user_ns_fd < 0)
		return 0;
	if (setns(user_ns_fd, CLONE_NEWUSER) < 0)
		return -errno;
	/* a user without subordinate ids may not drop its groups, lest that gives it rights (user_namespaces(7)) */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -errno;
	if (setresgid(PLAN_ID_BASE, PLAN_ID_BASE, PLAN_ID_BASE) < 0 ||
	    setresuid(PLAN_ID_BASE, PLAN_ID_BASE, PLAN_ID_BASE) < 0)
		return -errno;
	return 0;
}

static int get_capabilities(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &h, data) < 0 ? -errno : 0;
}

static int set_capabilities(const struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capset, &h, data) < 0 ? -errno : 0;
}

/* The bounding and ambient sets, and what uid 0 means: it would matter to execve() only. */
static int drop_inheritance(void)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
				   SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
				   SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

	for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++) {
		if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0)
			return -errno;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	return prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0 ? -errno : 0;
}

int stage_drop_capabilities(void)
{
	struct __user_cap_data_struct data[2];
	uint64_t have;
	int err = get_capabilities(data);

	if (err)
		return err;
	have = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	/* Started by a user without a user namespace (tests): there is nothing to drop. */
	err = have ? drop_inheritance() : 0;
	if (err)
		return err;
	have &= kept_capabilities;
	data[0] = (struct __user_cap_data_struct){.permitted = (uint32_t)have,
						  .effective = (uint32_t)have};
	data[1] = (struct __user_cap_data_struct){.permitted = (uint32_t)(have >> 32),
						  .effective = (uint32_t)(have >> 32)};
	err = set_capabilities(data);
	if (err)
		return err;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int stage_set_limits(uint32_t *max_fds)
{
	const struct rlimit none = {0, 0};
	struct rlimit files;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	if (files.rlim_max > FSD_FDS_MAX)
		files.rlim_max = FSD_FDS_MAX;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		return -errno;
	*max_fds = (uint32_t)files.rlim_cur;
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	umask(0);
	return 0;
}

static int compare_fds(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* Closes [first, last]. */
static int close_between(unsigned int first, unsigned int last)
{
	if (first > last)
		return 0;
	return syscall(SYS_close_range, first, last, 0u) < 0 ? -errno : 0;
}

int stage_close_others(int *keep, size_t n)
{
	unsigned int next = 0;

	qsort(keep, n, sizeof(keep[0]), compare_fds);
	for (size_t i = 0; i < n; i++) {
		unsigned int fd = (unsigned int)keep[i];
		int err = fd > next ? close_between(next, fd - 1) : 0;

		if (err)
			return err;
		next = fd + 1;
	}
	return close_between(next, UINT_MAX);
}
