/* SPDX-License-Identifier: Apache-2.0 */
/* The confinement stages. See confine.h. */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "broker.h"
#include "confined.h"
#include "landlock.h"
#include "machine.h"

/* A tenth of a millisecond each. */
#define THREAD_END_TRIES 10000u

static int by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static void close_between(unsigned int first, unsigned int last)
{
	if (first <= last && syscall(SYS_close_range, first, last, 0))
		setup_fail(errno, "close_range");
}

void confine_descriptors(const int *keep, unsigned int n_keep)
{
	int sorted[CONFINE_KEEP_MAX] = { 0 };
	unsigned int next = STDERR_FILENO + 1, n = 0;

	for (unsigned int i = 0; i < n_keep && n < CONFINE_KEEP_MAX; i++) {
		if (keep[i] >= (int)next)
			sorted[n++] = keep[i];
	}
	qsort(sorted, n, sizeof(sorted[0]), by_number);
	for (unsigned int i = 0; i < n; i++) {
		if ((unsigned int)sorted[i] > next)
			close_between(next, (unsigned int)sorted[i] - 1);
		next = (unsigned int)sorted[i] + 1;
	}
	close_between(next, ~0u);
}

/* An empty tmpfs becomes the root; the old one is detached. */
static void empty_root(void)
{
	/* Nothing that happens here may reach the host's mounts. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		setup_fail(errno, "making mounts private");
	/* /proc only serves as a place that exists on every host. */
	if (mount("none", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "size=4k,nr_inodes=1,mode=0555"))
		setup_fail(errno, "mounting the empty root");
	if (chdir("/proc") || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) ||
	    chdir("/"))
		setup_fail(errno, "entering the empty root");
	if (mount(NULL, "/", NULL,
		  MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		setup_fail(errno, "making the empty root read-only");
}

/*
 * setns(2): EINVAL for a process with threads. The one that loaded the images was joined, but the
 * kernel may still be taking it down.
 */
static void enter_user_namespace(int fd)
{
	const struct timespec moment = { .tv_nsec = 100000 };

	for (unsigned int i = 0; setns(fd, CLONE_NEWUSER); i++) {
		if (errno != EINVAL || i == THREAD_END_TRIES)
			setup_fail(errno, "entering the user namespace");
		nanosleep(&moment, NULL);
	}
}

/* With a network namespace given (at or above 0) it enters that one; else it makes one. */
static void enter_network_namespace(int fd)
{
	if (fd < 0 ? unshare(CLONE_NEWNET) : setns(fd, CLONE_NEWNET))
		setup_fail(errno, "entering the network namespace");
	if (fd >= 0)
		close(fd);
}

void confine_namespaces(int user_ns_fd, int net_ns_fd)
{
	enter_user_namespace(user_ns_fd);
	/* setgroups may be denied in a user namespace without privileges; then there are none to drop. */
	if (syscall(SYS_setgroups, 0, NULL) && errno != EPERM)
		setup_fail(errno, "dropping supplementary groups");
	if (syscall(SYS_setresgid, 0, 0, 0) || syscall(SYS_setresuid, 0, 0, 0))
		setup_fail(errno, "changing to the user of the namespace");
	close(user_ns_fd);
	enter_network_namespace(net_ns_fd);
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP))
		setup_fail(errno, "making namespaces");
	empty_root();
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0ul, 0ul, 0ul) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0ul, 0ul, 0ul))
			setup_fail(errno, "dropping capability %lu", cap);
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0ul, 0ul, 0ul))
		setup_fail(errno, "clearing ambient capabilities");
	if (syscall(SYS_capset, &head, none))
		setup_fail(errno, "dropping capabilities");
}

static void limit(int resource, rlim_t value, const char *name)
{
	struct rlimit now, wanted;

	if (getrlimit(resource, &now))
		setup_fail(errno, "reading limit %s", name);
	wanted.rlim_max = value < now.rlim_max ? value : now.rlim_max;
	wanted.rlim_cur = wanted.rlim_max;
	if (setrlimit(resource, &wanted))
		setup_fail(errno, "setting limit %s", name);
}

void confine_privileges(void)
{
	drop_capabilities();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul))
		setup_fail(errno, "no_new_privs");
	if (prctl(PR_SET_DUMPABLE, 0ul, 0ul, 0ul, 0ul))
		setup_fail(errno, "turning dumping off");
	limit(RLIMIT_CORE, 0, "core");
	/* Donated files of a container, its connections, and what the VM itself has. */
	limit(RLIMIT_NOFILE, BROKER_HANDLES + 2048, "nofile");
	limit(RLIMIT_MSGQUEUE, 0, "msgqueue");
}

/* Refuses all of the file system, on top of there being none. The ABI, or 0 without Landlock. */
static int refuse_files(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_everything all;
	int fd;

	if (abi < 1) /* not built in, or not turned on: `nacre layers` says so */
		return 0;
	all = landlock_everything_of((int)abi);
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0))
		setup_fail(errno, "Landlock");
	close(fd);
	return (int)abi;
}

/* What was inherited had to survive our own exec; nothing shall survive another. */
static void mark_cloexec(void)
{
	if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC))
		setup_fail(errno, "close_range");
}

void confine_files(int confined_fd, bool is_copy)
{
	const off_t at = (off_t)(CONFINED_VMM * sizeof(struct confined_record));
	int abi = refuse_files();
	int probe = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct confined_record record = confined_record_of(abi, probe < 0 ? errno : 0);

	record.copy = le32_of(is_copy);
	if (abi && probe >= 0)
		setup_fail(0, "Landlock is on and refuses nothing");
	if (probe >= 0)
		close(probe);
	mark_cloexec();
	if (confined_fd < 0)
		return;
	if (pwrite(confined_fd, &record, sizeof(record), at) != (ssize_t)sizeof(record))
		setup_fail(errno, "recording the confinement");
	close(confined_fd);
}
