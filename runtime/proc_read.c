/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of a process; see proc_read.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fd.h"
#include "proc_read.h"

/* A line "NAME:\tVALUE" of status, and where its number goes. */
static uint64_t field_of(const char *text, const char *name, int base)
{
	const char *at = text;
	size_t len = strlen(name);

	while (at && (strncmp(at, name, len) != 0 || at[len] != ':')) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return at ? strtoull(at + len + 1, NULL, base) : 0;
}

/* "Uid:\tREAL\tEFFECTIVE..." */
static uint32_t effective_uid(const char *text)
{
	const char *at = strstr(text, "\nUid:");
	char *end = NULL;

	if (!at)
		return UINT32_MAX;
	strtoul(at + 5, &end, 10);
	return (uint32_t)strtoul(end, NULL, 10);
}

/* Words behind "NSpid:". */
static unsigned int depth_of(const char *text)
{
	const char *at = strstr(text, "\nNSpid:");
	unsigned int n = 0;

	for (at = at ? at + 7 : ""; *at && *at != '\n'; at++)
		n += (at[0] == '\t' || at[0] == ' ') && at[1] >= '0' && at[1] <= '9';
	return n;
}

int proc_file_read(pid_t pid, const char *name, char *text, size_t room)
{
	char path[PATH_MAX];
	autoclose int fd = -1;
	size_t have = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (have < room - 1) {
		ssize_t n = read(fd, text + have, room - 1 - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	text[have] = '\0';
	return (int)have;
}

int proc_link_read(pid_t pid, const char *name, char *text, size_t room)
{
	char path[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	n = readlink(path, text, room - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return (int)n;
}

int proc_status_read(pid_t pid, pid_t tid, struct proc_status *status)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
	char text[4096] = "", name[64];
	int n;

	snprintf(name, sizeof(name), "task/%d/status", (int)tid);
	n = proc_file_read(pid, name, text, sizeof(text));
	if (n < 0)
		return n;
	for (int i = 0; i < PROC_CAP_COUNT; i++)
		status->caps[i] = field_of(text, sets[i], 16);
	status->seccomp = (uint32_t)field_of(text, "Seccomp", 10);
	status->no_new_privs = (uint32_t)field_of(text, "NoNewPrivs", 10);
	status->uid = effective_uid(text);
	status->pid_depth = depth_of(text);
	return 0;
}

/* True for a worker of the kernel's in the process: it never runs the process' code, and no filter. */
static bool is_kernels(pid_t pid, pid_t tid)
{
	const unsigned int user_worker = 0x4000; /* PF_USER_WORKER; before Linux 6.4 nobody's */
	char name[64], text[1024];
	const char *at;
	unsigned int flags = 0;

	snprintf(name, sizeof(name), "task/%d/stat", (int)tid);
	if (proc_file_read(pid, name, text, sizeof(text)) < 0)
		return false;
	at = strrchr(text, ')'); /* behind the name, which may be any: state, five numbers, flags */
	return at && sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && /* NOLINT(cert-err34-c) */
	       flags & user_worker;
}

int proc_threads(pid_t pid, pid_t *tids, int room)
{
	const struct dirent *entry;
	char path[64];
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (n < room && (entry = readdir(dir)) != NULL) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (entry->d_name[0] != '.' && !is_kernels(pid, tid))
			tids[n++] = tid;
	}
	closedir(dir);
	return n;
}

int proc_ns_differs(pid_t pid, const char *name)
{
	char path[64], theirs[64], ours[64];
	int n;

	snprintf(path, sizeof(path), "ns/%s", name);
	n = proc_link_read(pid, path, theirs, sizeof(theirs));
	if (n < 0)
		return n;
	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	n = (int)readlink(path, ours, sizeof(ours) - 1);
	if (n < 0)
		return -errno;
	ours[n] = '\0';
	return strcmp(theirs, ours) != 0;
}

uint32_t proc_uid_outside(uint32_t uid)
{
	FILE *map = fopen("/proc/self/uid_map", "re");
	uint32_t outside = uid, inside_at, outside_at, count;

	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
	while (map && fscanf(map, "%" SCNu32 " %" SCNu32 " %" SCNu32, &inside_at, &outside_at,
			     &count) == 3) {
		if (uid >= inside_at && uid - inside_at < count) {
			outside = outside_at + (uid - inside_at);
			break;
		}
	}
	if (map)
		fclose(map);
	return outside;
}
