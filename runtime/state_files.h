/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a container's state directory; state.h tells what is in them. */
#ifndef NACRE_RUNTIME_STATE_FILES_H
#define NACRE_RUNTIME_STATE_FILES_H

#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_FILE	    "state.json"
#define STATE_CONFIG_FILE   "config.json"
#define STATE_PROCESS_FILE  "process.json"
#define STATUS_FILE	    "status"
#define STARTED_FILE	    "started"
#define CONFINED_FILE	    "confined"
#define SOCKET_FILE	    "vmm.sock"
#define CONTROL_SOCKET_FILE "control.sock"
#define MONITOR_SOCKET_FILE "monitor.sock"

#define STATE_DIR_MODE	    0700
/* Behind the id in the name of a directory that is being made or removed; no id ends so. */
#define STATE_UNNAMED	    "~"

/*
 * Whether nacre made the directory for this caller. ROOT may be anybody's, and what a state says is done with the
 * caller's rights: processes and cgroups are killed, hooks run. S_ISGID is inherited.
 */
static inline bool state_dir_is_ours(int dir_fd)
{
	struct stat st;

	return fstat(dir_fd, &st) == 0 && st.st_uid == geteuid() &&
	       (st.st_mode & 07777 & ~(mode_t)S_ISGID) == STATE_DIR_MODE;
}

#endif
