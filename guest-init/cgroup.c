/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroups of containers; see cgroup.h. Kernel 6.1 Documentation/admin-guide/cgroup-v2.rst. */
#include "cgroup.h"

#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel.h"
#include "machine.h"

static void cgroup_path(char *path, size_t size, uint32_t number)
{
	snprintf(path, size, "%s/%u", MACHINE_CGROUP, number);
}

int cgroup_make(uint32_t number)
{
	char path[64];
	int fd;

	cgroup_path(path, sizeof(path), number);
	/* Counters of an earlier container must not be this one's. */
	if (rmdir(path) < 0 && errno != ENOENT)
		return -errno;
	if (mkdir(path, 0755) < 0)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int cgroup_write(int dir, const char *file, const char *value)
{
	int fd = openat(dir, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int cgroup_device_filter(int dir, const void *insns, size_t n)
{
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insns = (uintptr_t)insns,
		.insn_cnt = (uint32_t)n,
		.license = (uintptr_t)"",
	};
	union bpf_attr attach = {
		.target_fd = (uint32_t)dir,
		.attach_type = BPF_CGROUP_DEVICE,
	};
	long r, fd = kernel_result(syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load)));

	if (fd < 0)
		return (int)fd;
	/* The cgroup holds the program from now on; without a flag nothing below can replace it. */
	attach.attach_bpf_fd = (uint32_t)fd;
	r = kernel_result(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof(attach)));
	close((int)fd);
	return (int)r;
}

int cgroup_kill(int dir)
{
	return cgroup_write(dir, "cgroup.kill", "1");
}

/* Reads a file of the cgroup line by line. */
static FILE *open_lines(int dir, const char *file)
{
	int fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f && fd >= 0)
		close(fd);
	return f;
}

void cgroup_signal(int dir, int signo, pid_t except)
{
	FILE *f = open_lines(dir, "cgroup.procs");
	char line[32];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);

		if (pid > 1 && pid != except)
			kill(pid, signo);
	}
	fclose(f);
}

bool cgroup_oom_killed(int dir)
{
	static const char key[] = "oom_kill ";
	FILE *f = open_lines(dir, "memory.events");
	bool killed = false;
	char line[64];

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, sizeof(key) - 1) == 0)
			killed = strtoul(line + sizeof(key) - 1, NULL, 10) != 0;
	}
	fclose(f);
	return killed;
}

int cgroup_remove(uint32_t number)
{
	char path[64];

	cgroup_path(path, sizeof(path), number);
	return rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
}
