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

int cgroup_remove(uint32_t number)
{
	char path[64];

	cgroup_path(path, sizeof(path), number);
	return rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
}
