/* SPDX-License-Identifier: Apache-2.0 */
/* Starts nacre-vmm, nacre-fsd and nacre-monitor for one container of its own VM, and ends them. */
#ifndef NACRE_RUNTIME_LAUNCH_H
#define NACRE_RUNTIME_LAUNCH_H

#include <stdbool.h>

#include "child.h"
#include "companions.h"
#include "config.h"
#include "exports.h"
#include "plan_buffer.h"
#include "state.h"

struct launch {
	struct container_config *config;
	const struct companions *companions;
	const struct exports *exports;
	struct state *state;
	int kvm_fd, kernel_fd, init_fd, plan_fd; /* the caller's */
	int template_fd;    /* of templates_open(), the caller's; -1: the machine boots */
	int note_fd;	    /* the template for writing, the caller's: this container is its trial; or -1 */
	int console_fd, notify_fd; /* the caller's; -1: no console log, no socket of sd_notify(3) */
	int cgroup_fd;	    /* the caller's, or -1 */
	int confined_fd;    /* where the companions say how they are confined, while they start */
	int boot_timeout_ms; /* nacre-init must connect within this time */
	const char *oom_score; /* of all that is started: spawn.h */
	int std[3];	     /* the process' standard streams; the caller's, -1: /dev/null */
	bool controlling_terminal; /* std[0] is a pseudo-terminal made for the container */
	int signal_fd;	     /* of signals_open(), for the hooks */
	bool makes_container; /* else a process that joins one (exec) */
	bool sandbox;	     /* of a pod: a monitor alone, no VM */
	bool detached;	     /* the container outlives this nacre, once launch_detach() is called */
	bool end_apart;	     /* its end is waited for, but not what the kernel does with the VM then */
	unsigned int n_to_come; /* network interfaces that may be attached before start */

	struct child vmm, fsd, monitor;
	struct child passt; /* not started without --net passt */
	/*
	 * The VMM's network namespace, held until the VMM has ended: Linux would take it down as the VMM ends, and
	 * a VM whose end is waited for (end_apart) would wait for that, too (rcu_barrier() in kvm_destroy_vm() and
	 * cleanup_net()).
	 */
	int vmm_net_ns_fd;
	int sync_fd;	 /* our end of the pair with the monitor */
	int lifeline_fd; /* our end: closing it ends the container */
};

/* Everything not started, every descriptor -1. */
void launch_init(struct launch *launch);

/*
 * Starts the three, the VMM first, so that the guest boots while the rest is made. Returns 0 or
 * -errno with the failure set; launch_end() in either case.
 */
int launch_start(struct launch *launch, struct failure *failure);

/*
 * Boots a machine that becomes a template, alone, and waits for its end. 0, or -errno with the failure set;
 * nothing of it is left.
 */
int launch_template(struct launch *launch, int template_fd, struct failure *failure);

/* Notes in the state what was started. */
void launch_note(const struct launch *launch);

/*
 * Tells the monitor that holds the process to wait for `nacre start` on its own socket. Returns 0,
 * or -errno with the failure set when the monitor is gone.
 */
int launch_detach(struct launch *launch, struct failure *failure);

/* Closes what is held of a detached container: the three live on. */
void launch_let_go(struct launch *launch);

/*
 * Closes what holds the container, gives the children `grace_ms` to end by themselves, and kills
 * those that have not.
 */
void launch_end(struct launch *launch, int grace_ms);

/* A plan in a sealed memory file. A descriptor, or -errno with the failure set. */
int launch_plan_file(const struct plan_buffer *plan, struct failure *failure);

#endif
