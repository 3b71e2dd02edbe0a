/* SPDX-License-Identifier: Apache-2.0 */
/* Stages of confinement; see confine.h. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/capability.h>

#include "confine.h"
#include "confined.h"
#include "landlock.h"
#include "proto.h"

int confine_session(void)
{
	/* the system call itself: libc leaves its own signals out of every set */
	uint64_t all = ~UINT64_C(0);

	/* nacre has made us the leader already; only a leader's setsid() may fail */
	if (setsid() < 0 && getsid(0) != getpid())
		return -errno;
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, sizeof(all)) < 0)
		return -errno;
	return 0;
}

int confine_enter(int net_ns_fd, int mount_ns_fd)
{
	if (net_ns_fd >= 0 && setns(net_ns_fd, CLONE_NEWNET) < 0)
		return -errno;
	if (mount_ns_fd >= 0 && setns(mount_ns_fd, CLONE_NEWNS) < 0)
		return -errno;
	if (unshare(CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) < 0)
		return -errno;
	return chdir("/") < 0 ? -errno : 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[2] = { { .effective = 0 }, { .effective = 0 } };

	/*
	 * EINVAL comes at the first number that this kernel does not know. EPERM comes to a user, who
	 * has no capability to begin with: no_new_privs sees to it that it stays so.
	 */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0L, 0L, 0L) == 0; cap++)
		;
	if (errno != EINVAL && !(errno == EPERM && geteuid() != 0))
		return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L) < 0)
		return -errno;
	if (syscall(SYS_capset, &header, none) < 0)
		return -errno;
	return 0;
}

int confine_privileges(unsigned int highest_fd)
{
	const struct rlimit no_core = { .rlim_cur = 0 };
	int err;

	if (syscall(SYS_close_range, highest_fd + 1, ~0u, 0u) < 0)
		return -errno;
	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		return -errno;
	err = drop_capabilities();
	if (err)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) < 0)
		return -errno;
	return 0;
}

/*
 * Nothing may be opened, made or removed any more; and of TCP, where Landlock knows it, only the
 * resolver's port be connected to. The ABI, 0 without Landlock, or -errno.
 */
static int refuse_files(void)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	const struct landlock_port resolver = { LANDLOCK_NET_CONNECT, PROTO_RESOLVER_PORT };
	struct landlock_everything all;
	int fd, err = 0;

	if (abi < 1)
		return 0;
	all = landlock_everything_of(abi);
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (fd < 0)
		return -errno;
	if (abi >= LANDLOCK_ABI_NET &&
	    syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PORT, &resolver, 0) < 0)
		err = -errno;
	if (!err && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		err = -errno;
	close(fd);
	return err ? err : abi;
}

int confine_files(int confined_fd)
{
	struct confined_record record;
	int abi = refuse_files();
	int probe, seen;

	if (abi < 0)
		return abi;
	probe = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	seen = probe < 0 ? errno : 0;
	if (probe >= 0)
		close(probe);
	if (abi > 0 && !seen)
		return -ENOTRECOVERABLE; /* Landlock is on and refuses nothing */
	if (confined_fd < 0)
		return 0;
	record = confined_record_of(abi, seen);
	if (pwrite(confined_fd, &record, sizeof(record),
		   (off_t)(CONFINED_MONITOR * sizeof(record))) != (ssize_t)sizeof(record))
		return errno ? -errno : -EIO;
	close(confined_fd);
	return 0;
}
