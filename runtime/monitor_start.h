/* SPDX-License-Identifier: Apache-2.0 */
/* Starts nacre-monitor, for a container's process or for one that joins it. */
#ifndef NACRE_RUNTIME_MONITOR_START_H
#define NACRE_RUNTIME_MONITOR_START_H

#include <stdint.h>

#include "cgroup.h"
#include "child.h"
#include "companions.h"
#include "preserved.h"

/* The monitor's connections: control, a terminal or three streams, preserved descriptors. */
#define MONITOR_STANDARD_MAX	4
#define MONITOR_CONNECTIONS_MAX (MONITOR_STANDARD_MAX + (int)PROTO_PRESERVED_MAX)

/* What it is given. Descriptors are the caller's; -1: not given. */
struct monitor_start {
	const struct companions *companions;
	uint32_t container;	/* number in its VM */
	bool terminal;
	bool sandbox;		/* without a VM */
	bool joins;		/* the process joins a container that runs */
	int connections[MONITOR_CONNECTIONS_MAX];
	const struct preserved *preserved; /* NULL: none */
	int std[3];		/* its 0, 1, 2; -1: /dev/null */
	bool controlling_terminal; /* std[0] is to be its controlling terminal */
	bool with_lifeline;	/* the container ends when this nacre does */
	bool lines_to_us;	/* lines for the user come to us; else they go to its standard error */
	int plan_fd, notify_fd, status_fd, started_fd, confined_fd, listener_fd, vmm_pidfd;
	int fsd_alive_fd, mount_ns, net_ns;
	int pid_ns, alive_fd;	/* of its pid_holder.h */
	int cgroup_fd;
	const char *selinux_label, *apparmor_profile; /* spawn.h */
	const char *oom_score; /* spawn.h */
	/* for its witness of kills for want of memory: files of the cgroup, the VMM's oom_score_adj */
	struct cgroup_oom_fds oom;
	int vmm_score_fd;
};

/* Everything -1 or not wanted. */
void monitor_start_init(struct monitor_start *start);

/* Connects to a VM's socket, as often as a session needs. 0, or -errno with the failure set. */
int monitor_connect(struct monitor_start *start, int dir_fd);

/* Closes these connections. */
void monitor_disconnect(struct monitor_start *start);

/*
 * Starts it. *sync_fd becomes our end of the pair with it, *lifeline_fd, if wanted, what ends the
 * container when it is closed. Returns 0 or -errno with the failure set.
 */
int monitor_run(const struct monitor_start *start, struct child *monitor, struct arena *arena,
		int *sync_fd, int *lifeline_fd, struct failure *failure);

#endif
