/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of a container; see processes.h. A pid of init's /proc may be given to another process
 * at any moment: what is signalled is held by a pidfd that was opened before it was looked at.
 */
#include "processes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"
#include "machine.h"
#include "plan.h"
#include "procfs.h"

#define TICKS 100u /* of /proc, per second: USER_HZ on x86-64 and arm64 */

/* Is it in the container's cgroup or below? /proc/PID/cgroup has "0::PATH", for version 2. */
static bool is_of(uint32_t number, pid_t pid)
{
	char text[2048], wanted[64];
	const char *at;
	size_t len;

	len = (size_t)snprintf(wanted, sizeof(wanted), "0::%s/%u",
			       MACHINE_CGROUP + strlen(MACHINE_CGROUPS), number);
	if (procfs_read(pid, "cgroup", text, sizeof(text)) <= 0)
		return false;
	at = strstr(text, wanted);
	return at && (at == text || at[-1] == '\n') && (at[len] == '\n' || at[len] == '/');
}

/* The line of /proc/PID/status that begins with `name`, behind the name; NULL if there is none. */
static const char *status_line(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at && at > text && at[-1] == '\n' ? at + strlen(name) : NULL;
}

/* The pid in the container: the second number of "NSpid:", the first is init's. 0: none. */
static uint32_t inner_pid(const char *status)
{
	const char *line = status_line(status, "NSpid:");
	char *end;

	if (!line)
		return 0;
	(void)strtoul(line, &end, 10);
	return *end == '\t' ? (uint32_t)strtoul(end, NULL, 10) : 0;
}

static uint32_t inner_pid_of(pid_t pid)
{
	char text[4096];

	return pid > 0 && procfs_read(pid, "status", text, sizeof(text)) > 0 ? inner_pid(text) : 0;
}

/* Seconds since the epoch at which `ticks` after the machine's start were over. */
static uint64_t time_of(uint64_t ticks)
{
	struct timespec now, up;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return (uint64_t)(now.tv_sec - up.tv_sec) + ticks / TICKS;
}

/* Arguments with spaces between them; of a kernel thread or a zombie the name, in brackets. */
static void describe_command(pid_t pid, const char *stat, uint8_t command[PROTO_COMMAND_MAX])
{
	char text[PROTO_COMMAND_MAX + 1] = "";
	ssize_t n = procfs_read(pid, "cmdline", text, sizeof(text));
	const char *name = strchr(stat, '('), *end = strrchr(stat, ')');

	while (n > 0 && text[n - 1] == 0)
		n--;
	for (ssize_t i = 0; i < n; i++)
		text[i] = text[i] ? text[i] : ' ';
	if (n <= 0 && name && end)
		n = snprintf(text, sizeof(text), "[%.*s]", (int)(end - name - 1), name + 1);
	memset(command, 0, PROTO_COMMAND_MAX);
	if (n > 0)
		memcpy(command, text, (size_t)n);
}

/* Between the parentheses of `stat`. */
static void describe_comm(const char *stat, uint8_t comm[PROTO_COMM_MAX])
{
	const char *name = strchr(stat, '('), *end = strrchr(stat, ')');
	size_t len = name && end ? (size_t)(end - name - 1) : 0;

	memcpy(comm, name ? name + 1 : "", len < PROTO_COMM_MAX ? len : PROTO_COMM_MAX);
}

/* The state and its marks: ps(1) "PROCESS STATE CODES". */
static void describe_stat(pid_t pid, const char *stat, uint8_t text[PROTO_STAT_MAX])
{
	int64_t nice = (int64_t)procfs_stat_number(stat, PROCFS_NICE);
	size_t n = 0;

	text[n++] = (uint8_t)*procfs_stat_field(stat, PROCFS_STATE);
	if (nice != 0)
		text[n++] = nice < 0 ? '<' : 'N';
	if ((pid_t)procfs_stat_number(stat, PROCFS_SESSION) == pid)
		text[n++] = 's';
	if (procfs_stat_number(stat, PROCFS_THREADS) > 1)
		text[n++] = 'l';
	if (procfs_stat_number(stat, PROCFS_FOREGROUND) == procfs_stat_number(stat, PROCFS_GROUP))
		text[n] = '+';
}

/* The effective one, which is the second, as the container has it. */
static uint32_t inner_uid(const char *status)
{
	const char *line = status_line(status, "Uid:");
	char *end;

	if (!line)
		return UINT32_MAX;
	(void)strtoul(line, &end, 10);
	return (uint32_t)strtoul(end, NULL, 10) - PLAN_ID_BASE;
}

/* False for a process that is gone, or has no number in the container. */
static bool describe(pid_t pid, struct msg_process *p)
{
	char status[4096], stat[1024];
	uint64_t ticks;

	if (procfs_read(pid, "status", status, sizeof(status)) <= 0 ||
	    procfs_read(pid, "stat", stat, sizeof(stat)) <= 0)
		return false;
	ticks = procfs_stat_number(stat, PROCFS_USER_TIME) +
		procfs_stat_number(stat, PROCFS_SYSTEM_TIME);
	*p = (struct msg_process){
		.pid = le32_of(inner_pid(status)),
		.parent = le32_of(inner_pid_of((pid_t)procfs_stat_number(stat, PROCFS_PARENT))),
		.uid = le32_of(inner_uid(status)),
		.tty = le32_of((uint32_t)procfs_stat_number(stat, PROCFS_TTY)),
		.started = le64_of(time_of(procfs_stat_number(stat, PROCFS_START_TIME))),
		.cpu_ms = le64_of(ticks * 1000 / TICKS),
		.resident = le64_of(procfs_stat_number(stat, PROCFS_RESIDENT) *
				    (uint64_t)sysconf(_SC_PAGESIZE)),
		.virtual_size = le64_of(procfs_stat_number(stat, PROCFS_VIRTUAL_SIZE)),
	};
	describe_stat(pid, stat, p->stat);
	describe_comm(stat, p->comm);
	describe_command(pid, stat, p->command);
	return le32_get(p->pid) != 0;
}

/* The next process of the container; 0 at the end. */
static pid_t next_of(DIR *proc, uint32_t number)
{
	const struct dirent *entry;

	while ((entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 1 && is_of(number, pid))
			return pid;
	}
	return 0;
}

int processes_list(uint32_t number,
		   bool (*take)(void *ctx, const struct msg_process *p, size_t n), void *ctx)
{
	static struct msg_process some[PROTO_PROCESSES_MAX];
	DIR *proc = opendir("/proc");
	bool taken = true;
	size_t n = 0;
	pid_t pid;

	if (!proc)
		return -errno;
	while (taken && (pid = next_of(proc, number)) > 0) {
		n += describe(pid, &some[n]);
		if (n == PROTO_PROCESSES_MAX) {
			taken = take(ctx, some, n);
			n = 0;
		}
	}
	if (taken && n > 0)
		taken = take(ctx, some, n);
	closedir(proc);
	return taken ? 0 : -EPIPE;
}

/* Sends the signal if it is still the same process. */
static bool signal_one(uint32_t number, pid_t pid, uint32_t wanted, int signo)
{
	int fd = kernel_pidfd_open(pid);
	bool sent;

	if (fd < 0)
		return false;
	sent = is_of(number, pid) && (wanted == 0 || inner_pid_of(pid) == wanted) &&
	       kernel_pidfd_send_signal(fd, signo) == 0;
	close(fd);
	return sent;
}

unsigned int processes_signal(uint32_t number, uint32_t pid, int signo, pid_t except)
{
	DIR *proc = opendir("/proc");
	unsigned int n = 0;
	pid_t at;

	while (proc && (at = next_of(proc, number)) > 0)
		n += at != except && signal_one(number, at, pid, signo);
	if (proc)
		closedir(proc);
	return n;
}
