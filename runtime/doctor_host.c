/* SPDX-License-Identifier: Apache-2.0 */
/* What `nacre doctor` looks at, but KVM; see doctor.h. Each function one thing, one line. */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "companions.h"
#include "doctor.h"
#include "fd.h"
#include "subid.h"

#define CGROUP_TOP "/sys/fs/cgroup"

#define OK(line)	      ((struct finding){ FINDING_OK, (line), NULL })
#define LESS(line, what)      ((struct finding){ FINDING_LESS, (line), (what) })
#define MISSING(line, what)   ((struct finding){ FINDING_MISSING, (line), (what) })

/* The first line of a file in /proc or /sys, without its end; NULL when it cannot be read. */
static const char *line_read(const char *path, struct arena *arena)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[512];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return NULL;
	text[n] = '\0';
	return arena_printf(arena, "%.*s", (int)strcspn(text, "\n"), text);
}

struct finding doctor_installation(struct arena *arena)
{
	struct failure failure = { .text = "" };
	struct companions companions;

	if (companions_find(&companions, arena, &failure) != 0 ||
	    companions_check(&companions, &failure) != 0)
		return MISSING(arena_printf(arena, "installation: %s", failure.text),
			       "install nacre whole: bin, libexec/nacre and share/nacre belong "
			       "together");
	if (access(companions.kernel, R_OK) < 0 || access(companions.init, R_OK) < 0)
		return MISSING(arena_printf(arena, "installation: %s or %s is missing",
					    companions.kernel, companions.init),
			       "install the guest's kernel and first program (make install)");
	return OK("installation: programs and the guest's kernel are there");
}

static bool has_cgroup2(void)
{
	struct statfs fs;

	return statfs(CGROUP_TOP, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

struct finding doctor_cgroup(struct arena *arena)
{
	const char *controllers;

	if (!has_cgroup2())
		return LESS("cgroup: no cgroup v2 on " CGROUP_TOP,
			    "containers run without limits on the host: boot with "
			    "systemd.unified_cgroup_hierarchy=1");
	controllers = line_read(CGROUP_TOP "/cgroup.controllers", arena);
	for (size_t i = 0; i < 3; i++) {
		static const char *const needed[] = { "memory", "pids", "cpu" };

		if (!controllers || !strstr(controllers, needed[i]))
			return LESS(arena_printf(arena, "cgroup: v2 without the controller %s",
						 needed[i]),
				    "limits of that kind act only in the guest: enable it at boot "
				    "(cgroup_enable=memory)");
	}
	return OK(arena_printf(arena, "cgroup: v2 (%s)", controllers));
}

/* Whether one of the mounts there has the option. */
static bool has_option(const char *place, const char *option)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	bool has = false;

	while (mounts && !has && (mount = getmntent(mounts)))
		has = strcmp(mount->mnt_dir, place) == 0 && hasmntopt(mount, option);
	if (mounts)
		endmntent(mounts);
	return has;
}

/* KVM moves a worker into the VM's cgroup and back. */
struct finding doctor_moves(struct arena *arena)
{
	struct utsname host;

	(void)arena;
	if (uname(&host) == 0 && strtoul(host.release, NULL, 10) < 6)
		return OK("moves between cgroups: Linux before 6.0 does not wait for them");
	if (!has_cgroup2())
		return OK("moves between cgroups: of v2 there are none");
	if (has_option(CGROUP_TOP, "favordynmods"))
		return OK("moves between cgroups: " CGROUP_TOP " has favordynmods");
	return LESS("moves between cgroups: " CGROUP_TOP " is mounted without favordynmods",
		    "a VM waits some 10 ms as it starts, and most again as they end: mount -o "
		    "remount,favordynmods " CGROUP_TOP);
}

/* Whether the kernel can be left with a VM (vmm/kvm_apart.h). */
struct finding doctor_ends(struct arena *arena)
{
	struct io_uring_params params = { .flags = IORING_SETUP_R_DISABLED };
	autoclose int ring_fd = (int)syscall(SYS_io_uring_setup, 1, &params);

	if (ring_fd >= 0)
		return OK("ends of VMs: io_uring is there");
	return LESS(arena_printf(arena, "ends of VMs: io_uring: %s", strerror(errno)),
		    errno == EPERM ? "nacre run waits some 20 ms for the end of a VM: sysctl "
				     "kernel.io_uring_disabled=0, unless it is on purpose" :
				     "nacre run waits some 20 ms for the end of a VM");
}

/* The caller's own cgroup, as a directory. */
static const char *own_cgroup(struct arena *arena)
{
	const char *line = line_read("/proc/self/cgroup", arena);

	if (!line || strncmp(line, "0::/", 4) != 0)
		return NULL;
	return arena_printf(arena, CGROUP_TOP "%s", line + 3);
}

struct finding doctor_delegation(struct arena *arena)
{
	const char *own = own_cgroup(arena);

	if (geteuid() == 0)
		return OK("delegation: not needed by root");
	if (!own || access(own, W_OK) < 0)
		return LESS("delegation: your cgroup is not yours to write",
			    "rootless containers get no limits on the host: run in a session of "
			    "systemd, or as systemd-run --user --scope -p Delegate=yes");
	return OK(arena_printf(arena, "delegation: %s is yours, with %s", own,
			       line_read(arena_printf(arena, "%s/cgroup.controllers", own),
					 arena)));
}

struct finding doctor_userns(struct arena *arena)
{
	const char *most = line_read("/proc/sys/user/max_user_namespaces", arena);
	const char *debian = line_read("/proc/sys/kernel/unprivileged_userns_clone", arena);

	if (!most || strtoul(most, NULL, 10) == 0)
		return MISSING("user namespaces: none allowed",
			       "sysctl user.max_user_namespaces=15000");
	if (geteuid() != 0 && debian && strcmp(debian, "0") == 0)
		return MISSING("user namespaces: not for ordinary users",
			       "sysctl kernel.unprivileged_userns_clone=1");
	return OK("user namespaces: there");
}

struct finding doctor_subids(struct arena *arena)
{
	struct subid_range range = subid_range_read("/etc/subuid"), uids, gids;
	const struct passwd *user = getpwuid(geteuid());
	const char *name = user ? user->pw_name : "";

	if (geteuid() == 0)
		return OK(arena_printf(arena, "subuid: VMs run as ids %u to %u%s", range.start,
				       range.start + range.count - 1,
				       range.start == SUBID_BUILTIN_START ? " (built in)" : ""));
	if (access("/usr/bin/newuidmap", X_OK) < 0)
		return LESS("subuid: newuidmap is missing",
			    "rootless containers have one id only: install the package uidmap");
	if (!subid_range_of_user("/etc/subuid", name, geteuid(), &uids) ||
	    !subid_range_of_user("/etc/subgid", name, geteuid(), &gids))
		return LESS("subuid: this user has no range in /etc/subuid and /etc/subgid",
			    "rootless containers have one id only: usermod --add-subuids "
			    "100000-165535 --add-subgids 100000-165535 USER");
	/* the user's own id is the first */
	if (uids.count < SUBID_CONTAINER_IDS - 1 || gids.count < SUBID_CONTAINER_IDS - 1)
		return LESS(arena_printf(arena, "subuid: this user has %u ids in /etc/subuid and %u in "
					 "/etc/subgid", uids.count, gids.count),
			    "containers without mappings of their own need 65535 of each: usermod "
			    "--add-subuids, --add-subgids");
	return OK(arena_printf(arena, "subuid: newuidmap is there; %s has %u ids from %u on",
			       user ? name : "the user", uids.count, uids.start));
}

struct finding doctor_selinux(struct arena *arena)
{
	const char *enforce = line_read("/sys/fs/selinux/enforce", arena);

	if (!enforce)
		return LESS("SELinux: not on this host", "one layer less; nothing need be done");
	if (strcmp(enforce, "1") != 0)
		return LESS("SELinux: permissive", "setenforce 1, when the policy allows it");
	return OK("SELinux: enforcing");
}

struct finding doctor_apparmor(struct arena *arena)
{
	const char *enabled = line_read("/sys/module/apparmor/parameters/enabled", arena);

	return enabled && enabled[0] == 'Y'
		       ? OK("AppArmor: there")
		       : LESS("AppArmor: not on this host", "nothing need be done");
}

struct finding doctor_landlock(struct arena *arena)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 2)
		return LESS(abi < 1 ? "Landlock: not on this host" : "Landlock: ABI 1",
			    "one layer less: expected ABI 2, Linux 5.19 with landlock in lsm=");
	return OK(arena_printf(arena, "Landlock: ABI %ld", abi));
}

struct finding doctor_net(struct arena *arena)
{
	(void)arena;
	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		return LESS("network: /dev/net/tun cannot be opened",
			    "containers in a network of the host's need it: modprobe tun; "
			    "--net passt does not");
	return OK("network: /dev/net/tun is there");
}
