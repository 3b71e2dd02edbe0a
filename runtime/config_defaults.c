/* SPDX-License-Identifier: Apache-2.0 */
/* What Docker gives a container that asks for nothing: `nacre run --rootfs`. */
#include <string.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "caps.h"
#include "config.h"

static const char *const masked[] = {
	"/proc/acpi",	      "/proc/asound",	   "/proc/interrupts",
	"/proc/kcore",	      "/proc/keys",	   "/proc/latency_stats",
	"/proc/sched_debug",  "/proc/scsi",	   "/proc/timer_list",
	"/proc/timer_stats",  "/sys/devices/virtual/powercap", "/sys/firmware",
};

static const char *const readonly[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static const struct config_mount mounts[] = {
	{ .destination = "/proc", .type = "proc", .source = "proc", .data = "",
	  .flags = MS_NOSUID | MS_NOEXEC | MS_NODEV },
	{ .destination = "/dev", .type = "tmpfs", .source = "tmpfs",
	  .flags = MS_NOSUID | MS_STRICTATIME, .data = "mode=755,size=65536k" },
	{ .destination = "/dev/pts", .type = "devpts", .source = "devpts",
	  .flags = MS_NOSUID | MS_NOEXEC,
	  .data = "newinstance,ptmxmode=0666,mode=0620,gid=5" },
	{ .destination = "/sys", .type = "sysfs", .source = "sysfs", .data = "",
	  .flags = MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY },
	{ .destination = "/sys/fs/cgroup", .type = "cgroup2", .source = "cgroup", .data = "",
	  .flags = MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY | MS_RELATIME },
	{ .destination = "/dev/mqueue", .type = "mqueue", .source = "mqueue", .data = "",
	  .flags = MS_NOSUID | MS_NOEXEC | MS_NODEV },
	{ .destination = "/dev/shm", .type = "tmpfs", .source = "shm",
	  .flags = MS_NOSUID | MS_NOEXEC | MS_NODEV, .data = "mode=1777,size=65536k" },
};

static void set_capabilities(struct config_process *process)
{
	uint64_t kept = caps_default();

	process->caps[CAP_SET_BOUNDING] = kept;
	if (process->uid != 0)
		return; /* as execve() leaves a user who is not root */
	process->caps[CAP_SET_EFFECTIVE] = kept;
	process->caps[CAP_SET_PERMITTED] = kept;
}

void config_set_defaults(struct container_config *config)
{
	struct arena *arena = &config->arena;
	struct config_process *process = &config->process;

	set_capabilities(process);
	process->no_new_privileges = true;
	string_list_add(arena, &process->env,
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	if (process->terminal)
		string_list_add(arena, &process->env, "TERM=xterm");
	*config_add_rlimit(arena, &process->rlimits) = (struct config_rlimit){
		.resource = RLIMIT_NOFILE, .soft = 1024, .hard = 524288,
	};
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		*config_add_mount(arena, &config->mounts) = mounts[i];
	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
		string_list_add(arena, &config->masked_paths, masked[i]);
	for (size_t i = 0; i < sizeof(readonly) / sizeof(readonly[0]); i++)
		string_list_add(arena, &config->readonly_paths, readonly[i]);
	config->seccomp = seccomp_default(arena, process->caps[CAP_SET_BOUNDING]);
	config->namespaces = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
			     CLONE_NEWNS | CLONE_NEWCGROUP;
	config->hostname = arena_printf(arena, "%.63s", config->id);
}
