/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts a companion program with exactly the descriptors that it shall have: 0, 1, 2 and a table
 * that is placed at 3 and up, so that argv can name them; everything else is closed.
 */
#ifndef NACRE_RUNTIME_SPAWN_H
#define NACRE_RUNTIME_SPAWN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "arena.h"
#include "failure.h"

#define SPAWN_FIRST_FD 3

struct spawn {
	struct arena *arena;
	const char *path;	 /* of the program */
	struct string_list argv; /* argv[0] first */
	struct string_list env;
	int std[3];		 /* -1: /dev/null */
	int *fds;		 /* placed at SPAWN_FIRST_FD and up */
	size_t n_fds, room;
	uint64_t clone_flags;	 /* CLONE_NEW* for the child */
	int mount_ns, net_ns;	 /* to enter before execve(); -1: the caller's */
	int pid_ns;		 /* to be made in; -1: the caller's */
	int cgroup_fd;		 /* to start in; -1: the caller's */
	bool cgroup_in_use;	 /* a container runs there, and may have filled it: see spawn_run() */
	const char *dir; /* to start in, if it can be entered; NULL: the caller's, or the namespace's root */
	const char *selinux_label;    /* to run as; NULL: as the policy has it */
	const char *apparmor_profile; /* to run under, where there is one; NULL: the caller's */
	const char *oom_score;	      /* oom_score.h; NULL: the caller's */
	bool keep_signals_blocked;
	bool controlling_terminal; /* std[0] becomes that of its session */
};

/* Begins a table. */
void spawn_begin(struct spawn *spawn, struct arena *arena, const char *path, const char *name);

void spawn_arg(struct spawn *spawn, const char *arg);

/* Adds "OPTION N" to argv for a descriptor that the child gets as N. The caller keeps its own. */
void spawn_arg_fd(struct spawn *spawn, const char *option, int fd);

/* As spawn_arg_fd(), with a suffix behind the number (":ro"). */
void spawn_arg_fd_with(struct spawn *spawn, const char *option, int fd, const char *suffix);

/*
 * Starts the program, in a session of its own. Returns its pid and sets *pidfd (the caller closes
 * it), or returns -errno with the failure set, also when execve() failed. One start at a time.
 *
 * Until execve() the child shares our memory, unless its cgroup is in use: an OOM in there kills every
 * process that has the memory of one that it kills (Linux mm/oom_kill.c __oom_kill_process()).
 */
pid_t spawn_run(struct spawn *spawn, int *pidfd, struct failure *failure);

/* clone3() as fork(), with flags. 0 in the child, the pid, or -errno. `pidfd` may be NULL. */
pid_t spawn_clone(uint64_t flags, int cgroup_fd, int *pidfd);

#endif
