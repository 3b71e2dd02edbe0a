/* SPDX-License-Identifier: Apache-2.0 */
/* Cgroups of containers; see cgroup.h. Kernel 6.1 Documentation/admin-guide/cgroup-v2.rst. */
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel.h"
#include "machine.h"
#include "plan.h"
#include "procfs.h"

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
		/*
		 * With this flag, to detach takes a descriptor of the program. Without it everybody
		 * who can open the cgroup's directory may, no capability asked (kernel 6.1,
		 * cgroup_bpf_detach).
		 */
		.attach_flags = BPF_F_ALLOW_MULTI,
	};
	long r, fd = kernel_result(syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof(load)));

	if (fd < 0)
		return (int)fd;
	/* The cgroup holds the program from now on; filters below can only narrow it. */
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

uint64_t cgroup_number(int dir, const char *file, const char *key)
{
	FILE *f = open_lines(dir, file);
	size_t len = key ? strlen(key) : 0;
	uint64_t number = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f)) {
		const char *at = line + len;

		if (key && (strncmp(line, key, len) != 0 || *at++ != ' '))
			continue;
		number = strncmp(at, "max", 3) == 0 ? UINT64_MAX : strtoull(at, NULL, 10);
		break;
	}
	if (f)
		fclose(f);
	return number;
}

#define UPDATES_MAX 32

struct update {
	const char *file, *value;
	char before[128];
};

/* The pairs, or -EBADMSG. Their number otherwise. */
static int parse_updates(struct cursor c, struct update updates[UPDATES_MAX])
{
	int n = 0;

	for (; c.left > 0; n++) {
		const char *file = cursor_take_string(&c), *value = cursor_take_string(&c);

		/* A file of one directory, and none that ends or moves processes. */
		if (!file || !value || n == UPDATES_MAX || strchr(file, '/') || file[0] == '.' ||
		    file[0] == 0 || strncmp(file, "cgroup.", 7) == 0)
			return -EBADMSG;
		updates[n] = (struct update){ .file = file, .value = value };
	}
	return n;
}

static int read_value(int dir, struct update *u)
{
	FILE *f = open_lines(dir, u->file);
	int r = f && fgets(u->before, sizeof(u->before), f) ? 0 : -ENOENT;

	if (f)
		fclose(f);
	return r;
}

int cgroup_update(int dir, const void *pairs, size_t len, struct report *r)
{
	struct update updates[UPDATES_MAX];
	int n = parse_updates(cursor_over(pairs, len), updates);

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		struct update *u = &updates[i];
		int err = read_value(dir, u);

		if (err == 0)
			err = cgroup_write(dir, u->file, u->value);
		if (err == 0)
			continue;
		while (i-- > 0)
			(void)cgroup_write(dir, updates[i].file, updates[i].before);
		return report_set(r, FAILED_NACRE, -err, "%s = \"%s\"", u->file, u->value);
	}
	return 0;
}

/* What the kernel lists in /sys/kernel/cgroup/delegate and is not for limits. */
static const char *const delegated[] = { "cgroup.procs", "cgroup.threads", "cgroup.subtree_control" };

int cgroup_delegate(int dir)
{
	if (fchown(dir, PLAN_ID_BASE, PLAN_ID_BASE) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(delegated) / sizeof(delegated[0]); i++) {
		if (fchownat(dir, delegated[i], PLAN_ID_BASE, PLAN_ID_BASE, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
	}
	return 0;
}

int cgroup_open_of(uint32_t number, pid_t pid)
{
	char text[PATH_MAX], own[64], path[PATH_MAX + sizeof(MACHINE_CGROUPS)];
	const char *at;
	size_t len;
	int fd;

	if (procfs_read(pid, "cgroup", text, sizeof(text)) <= 0)
		return -ESRCH;
	len = (size_t)snprintf(own, sizeof(own), "0::%s/%u",
			       &MACHINE_CGROUP[strlen(MACHINE_CGROUPS)], number);
	at = strstr(text, own); /* the line of version 2: proc_pid_cgroup(5) */
	if (!at || (at != text && at[-1] != '\n') || (at[len] != '/' && at[len] != '\n'))
		return -ESRCH;
	at += strlen("0::");
	snprintf(path, sizeof(path), MACHINE_CGROUPS "%.*s", (int)strcspn(at, "\n"), at);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* More cgroups below a container's than this are left to the machine's end. */
#define REMOVALS_MAX 1000u

/* Appends the name of a cgroup below `path` to it. False when there is none, or no room. */
static bool descend(char *path, size_t size)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	size_t len = strlen(path);
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		found = entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
			strlen(entry->d_name) + 2 < size - len;
		if (found)
			snprintf(path + len, size - len, "/%s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

int cgroup_remove(uint32_t number)
{
	char path[PATH_MAX];
	size_t base;

	cgroup_path(path, sizeof(path), number);
	base = strlen(path);
	/* A container may have made others below: each pass takes away the first that has none. */
	for (unsigned int i = 0; i < REMOVALS_MAX; i++) {
		while (descend(path, sizeof(path)))
			continue;
		if (rmdir(path) < 0)
			return errno == ENOENT ? 0 : -errno;
		if (strlen(path) == base)
			return 0;
		path[base] = 0;
	}
	return -EBUSY;
}
