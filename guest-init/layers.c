/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says of a container's layers; see layers.h. Everything comes from the kernel's own
 * files, though names in mountinfo are the container's: only the words before them are looked at.
 */
#include "layers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "plan.h"

static const struct {
	const char *name;
	uint32_t flag;
} namespaces[] = {
	{ "pid", CLONE_NEWPID }, { "mnt", CLONE_NEWNS },	 { "net", CLONE_NEWNET },
	{ "ipc", CLONE_NEWIPC }, { "uts", CLONE_NEWUTS },	 { "cgroup", CLONE_NEWCGROUP },
	{ "user", CLONE_NEWUSER }, { "time", CLONE_NEWTIME },
};

/* Reads a small file; the text ends with a NUL. 0 or -errno. */
static int read_text(int dir, const char *path, char *text, size_t room)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, room - 1);
	int err = n < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return err;
}

/* The number behind "\nNAME:" of /proc/PID/status; 0 when there is no such line. */
static uint64_t field_of(const char *text, const char *name, int base)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, base) : 0;
}

static int read_status(int proc, struct msg_layers *m)
{
	char text[4096];
	int err = read_text(proc, "status", text, sizeof(text));

	if (err)
		return err;
	m->caps[CAP_SET_BOUNDING] = le64_of(field_of(text, "\nCapBnd:", 16));
	m->caps[CAP_SET_EFFECTIVE] = le64_of(field_of(text, "\nCapEff:", 16));
	m->caps[CAP_SET_INHERITABLE] = le64_of(field_of(text, "\nCapInh:", 16));
	m->caps[CAP_SET_PERMITTED] = le64_of(field_of(text, "\nCapPrm:", 16));
	m->caps[CAP_SET_AMBIENT] = le64_of(field_of(text, "\nCapAmb:", 16));
	m->seccomp = le32_of((uint32_t)field_of(text, "\nSeccomp:", 10));
	m->seccomp_filters = le32_of((uint32_t)field_of(text, "\nSeccomp_filters:", 10));
	m->no_new_privs = le32_of((uint32_t)field_of(text, "\nNoNewPrivs:", 10));
	return 0;
}

static bool namespace_differs(int proc, const char *name)
{
	char path[32], theirs[64] = "", ours[64] = "";

	snprintf(path, sizeof(path), "ns/%s", name);
	if (readlinkat(proc, path, theirs, sizeof(theirs) - 1) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	return readlink(path, ours, sizeof(ours) - 1) > 0 && strcmp(theirs, ours) != 0;
}

/*
 * "ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS ... - TYPE SOURCE OPTIONS". Masked is what is covered by
 * /dev/null or by an empty read-only tmpfs; spaces in names are escaped, so that words can be counted.
 */
static void look_at_mount(const char *line, uint32_t *n_readonly, uint32_t *n_masked)
{
	const char *root, *target, *options, *type = strstr(line, " - ");
	const char *at = line;
	bool readonly;

	for (int i = 0; i < 3 && at; i++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	root = at;
	target = root ? strchr(root, ' ') : NULL;
	options = target ? strchr(target + 1, ' ') : NULL;
	if (!options || !type)
		return;
	readonly = strncmp(options, " ro", 3) == 0;
	if (strncmp(root, "/null ", 6) == 0 || (readonly && strncmp(type, " - tmpfs ", 9) == 0))
		(*n_masked)++;
	else if (readonly)
		(*n_readonly)++;
}

static void count_mounts(int proc, struct msg_layers *m)
{
	int fd = openat(proc, "mountinfo", O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	uint32_t n_readonly = 0, n_masked = 0;
	char *line = NULL;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0)
		look_at_mount(line, &n_readonly, &n_masked);
	free(line);
	if (f)
		fclose(f);
	m->n_readonly = le32_of(n_readonly);
	m->n_masked = le32_of(n_masked);
}

/* Without a policy the kernel's word has no colons, or there is none. */
static void read_label(int proc, struct msg_layers *m)
{
	char text[sizeof(m->label) + 1];

	if (read_text(proc, "attr/current", text, sizeof(text)) == 0 && strchr(text, ':'))
		memcpy(m->label, text, strcspn(text, "\n"));
}

/* A number or "max" in a file of the cgroup. */
static struct le64 limit_of(int cgroup, const char *file)
{
	char text[64];

	if (read_text(cgroup, file, text, sizeof(text)) < 0 || text[0] < '0' || text[0] > '9')
		return le64_of(UINT64_MAX);
	return le64_of(strtoull(text, NULL, 10));
}

static void read_ids(int proc, struct msg_layers *m)
{
	char text[256], *end = text;

	if (read_text(proc, "uid_map", text, sizeof(text)) == 0) {
		strtoul(text, &end, 10);
		m->uid_outside = le32_of((uint32_t)strtoul(end, &end, 10));
		m->uid_count = le32_of((uint32_t)strtoul(end, NULL, 10));
	}
	if (read_text(proc, "oom_score_adj", text, sizeof(text)) == 0)
		m->oom_score_adj = le32_of((uint32_t)strtol(text, NULL, 10));
}

/* The reaper's first child: the process that the container was made for. */
static pid_t child_of(pid_t reaper)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)reaper, (int)reaper);
	if (read_text(AT_FDCWD, path, text, sizeof(text)) < 0)
		return -1;
	return (pid_t)strtol(text, NULL, 10);
}

int layers_read(pid_t init, bool reaper, int cgroup, struct msg_layers *m)
{
	pid_t pid = reaper ? child_of(init) : init;
	struct rlimit nofile = { 0, 0 };
	struct utsname name;
	uint32_t own = 0;
	char path[32];
	int proc, err;

	memset(m, 0, sizeof(*m));
	if (pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return -errno;
	err = read_status(proc, m);
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
		own |= namespace_differs(proc, namespaces[i].name) ? namespaces[i].flag : 0;
	m->namespaces = le32_of(own);
	count_mounts(proc, m);
	read_label(proc, m);
	read_ids(proc, m);
	close(proc);
	m->memory_max = limit_of(cgroup, "memory.max");
	m->pids_max = limit_of(cgroup, "pids.max");
	if (prlimit(pid, RLIMIT_NOFILE, NULL, &nofile) == 0)
		m->nofile = le64_of(nofile.rlim_max);
	if (uname(&name) == 0)
		memcpy(m->release, name.release,
		       strnlen(name.release, sizeof(m->release)));
	return err;
}
