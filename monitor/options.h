/* SPDX-License-Identifier: Apache-2.0 */
/* What nacre-monitor is started with (docs/architecture.md): descriptors by number. */
#ifndef NACRE_MONITOR_OPTIONS_H
#define NACRE_MONITOR_OPTIONS_H

#include <stdbool.h>

#include "proto.h"

struct options {
	int container;
	int control_fd;
	int stdin_fd, stdout_fd, stderr_fd; /* all or none */
	int tty_fd;			    /* instead of these three */
	int sandbox;			    /* 1: of a pod: there is no guest */
	int joins;			    /* 1: the plan is of a process that joins */
	int plan_fd, status_fd, sync_fd;
	int lifeline_fd, mount_ns_fd, net_ns_fd, log_fd; /* -1: not given, as below */
	int confined_fd;	    /* file for struct confined_record */
	int listener_fd;	    /* where `nacre start` connects */
	int started_fd;		    /* takes a byte once the process runs */
	int vmm_pidfd;		    /* to be waited for before our own end */
	int null_fd;		    /* /dev/null: a cgroup above may forbid to open it */
	int notify_fd;		    /* connected socket that takes messages of sd_notify(3) */
	int alive_fd;		    /* pipe that is only kept: its closing tells that we have ended */
	int fsd_alive_fd;	    /* pipe that nacre-fsd holds the other end of: the same */
	/* of the cgroup: memory.max, memory.current, memory.oom.group, memory.swap.max (witness.h) */
	int memory_max_fd, memory_current_fd, oom_group_fd, swap_max_fd;
	int vmm_score_fd;	    /* nacre-vmm's oom_score_adj (witness.h) */
	/* descriptors of the caller's and the connections that they are joined to */
	int preserved_fds[PROTO_PRESERVED_MAX], preserved_links[PROTO_PRESERVED_MAX];
	int n_preserved;
	int highest_fd;
};

/* Reads argv. Returns NULL, or what is wrong with it. */
const char *options_parse(struct options *options, int argc, char *argv[]);

#endif
