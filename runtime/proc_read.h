/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says of a process, in /proc (proc(5)). Nothing here is believed from elsewhere. */
#ifndef NACRE_RUNTIME_PROC_READ_H
#define NACRE_RUNTIME_PROC_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum proc_cap_set { PROC_CAP_INH, PROC_CAP_PRM, PROC_CAP_EFF, PROC_CAP_BND, PROC_CAP_AMB,
		    PROC_CAP_COUNT };

struct proc_status {
	uint32_t uid; /* effective, as we see it */
	uint64_t caps[PROC_CAP_COUNT];
	uint32_t seccomp;	/* 0 none, 1 strict, 2 filter */
	uint32_t no_new_privs;	/* 0 or 1 */
	unsigned int pid_depth; /* pid namespaces that know the process, ours included */
};

/* Reads /proc/PID/task/TID/status. 0 or -errno. */
int proc_status_read(pid_t pid, pid_t tid, struct proc_status *status);

/*
 * The id around our own user namespace that is `uid` in it: of an ordinary user's nacre, the host's. The
 * same number in the host's own namespace, and where it is not mapped.
 */
uint32_t proc_uid_outside(uint32_t uid);

/*
 * The ids of a process' threads, at most `room`; without those that run nothing but the kernel (vhost's
 * workers, from Linux 6.4 on). How many, or -errno.
 */
int proc_threads(pid_t pid, pid_t *tids, int room);

/*
 * 1 when the process' namespace ("user", "mnt", ...) is another than ours, 0 when it is ours, -errno
 * when it may not be looked at.
 */
int proc_ns_differs(pid_t pid, const char *name);

/* Reads a small file of the process into text, with a NUL. Its length, or -errno. */
int proc_file_read(pid_t pid, const char *name, char *text, size_t room);

/* Reads what a symbolic link of the process says. Its length, or -errno. */
int proc_link_read(pid_t pid, const char *name, char *text, size_t room);

#endif
