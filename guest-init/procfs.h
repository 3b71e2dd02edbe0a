/* SPDX-License-Identifier: Apache-2.0 */
/* Files of /proc/PID, in init's own procfs; proc(5). */
#ifndef NACRE_INIT_PROCFS_H
#define NACRE_INIT_PROCFS_H

#include <stdint.h>
#include <sys/types.h>

/* Fields of /proc/PID/stat. The second, the name, may hold anything and is skipped. */
enum procfs_stat {
	PROCFS_STATE = 3,
	PROCFS_PARENT = 4,
	PROCFS_GROUP = 5,
	PROCFS_SESSION = 6,
	PROCFS_TTY = 7,
	PROCFS_FOREGROUND = 8, /* group in the foreground of the terminal, or -1 */
	PROCFS_USER_TIME = 14,
	PROCFS_SYSTEM_TIME = 15,
	PROCFS_NICE = 19,
	PROCFS_THREADS = 20,
	PROCFS_START_TIME = 22,
	PROCFS_VIRTUAL_SIZE = 23, /* bytes */
	PROCFS_RESIDENT = 24,	  /* pages */
};

/* Up to size - 1 bytes of a file of the process, with a NUL behind. The length or -errno. */
ssize_t procfs_read(pid_t pid, const char *file, char *text, size_t size);

/* Where a field of the text of /proc/PID/stat begins; "" if there is none. */
const char *procfs_stat_field(const char *stat, enum procfs_stat field);

/* The same as a number; 0 if there is none. */
uint64_t procfs_stat_number(const char *stat, enum procfs_stat field);

#endif
