/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process and its descendants; see process_tree.h. Reads /proc of init. First all are stopped, so
 * that none can fork, in passes until one finds nobody new; then all are killed. The processes are
 * hostile: what /proc says of them is the kernel's word but for the name, which is skipped.
 */
#include "process_tree.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"

/* Passes in which processes may appear; and how deep a tree is followed upwards. */
#define PASSES 16
#define DEPTH  256

struct status {
	char state;
	pid_t parent, session;
};

static bool read_status(pid_t pid, struct status *st)
{
	char text[512];

	if (procfs_read(pid, "stat", text, sizeof(text)) <= 0)
		return false;
	st->state = *procfs_stat_field(text, PROCFS_STATE);
	st->parent = (pid_t)procfs_stat_number(text, PROCFS_PARENT);
	st->session = (pid_t)procfs_stat_number(text, PROCFS_SESSION);
	return st->state != 0;
}

/* Is the process `root` or one of its descendants? */
static bool is_below(const struct status *st, pid_t pid, pid_t root)
{
	struct status up = *st;

	if (st->session == root)
		return true;
	for (int i = 0; i < DEPTH && pid != root; i++) {
		pid = up.parent;
		if (pid <= 1 || !read_status(pid, &up))
			return false;
	}
	return pid == root;
}

/* What one pass found. */
struct found {
	pid_t *pids; /* heap */
	size_t n, room;
	bool any_alive; /* one was neither stopped nor dead */
};

/* Finds them all. False without memory. */
static bool find_all(DIR *proc, pid_t root, struct found *f)
{
	const struct dirent *entry;

	f->n = 0;
	f->any_alive = false;
	rewinddir(proc);
	while ((entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		struct status st;

		if (pid <= 1 || !read_status(pid, &st) || !is_below(&st, pid, root))
			continue;
		if (f->n == f->room) {
			size_t room = f->room ? 2 * f->room : 64;
			pid_t *more = realloc(f->pids, room * sizeof(*more));

			if (!more)
				return false;
			f->pids = more;
			f->room = room;
		}
		f->pids[f->n++] = pid;
		f->any_alive |= !strchr("TtZX", st.state);
	}
	return true;
}

static void signal_all(const struct found *f, int signo)
{
	for (size_t i = 0; i < f->n; i++)
		kill(f->pids[i], signo);
}

void process_tree_kill(pid_t root)
{
	DIR *proc = opendir("/proc");
	struct found f = { .pids = NULL };

	/* All are found before the first is killed: the children of the dead have another parent. */
	for (int i = 0; proc && i < PASSES && find_all(proc, root, &f) && f.any_alive; i++)
		signal_all(&f, SIGSTOP);
	signal_all(&f, SIGKILL);
	free(f.pids);
	if (proc)
		closedir(proc);
	kill(root, SIGKILL);
}
