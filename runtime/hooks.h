/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks: programs that the configuration names, run at points of the container's life with its state
 * on standard input (OCI runtime-spec 1.2 runtime.md "Lifecycle", config.md "POSIX-platform
 * Hooks"). They are the caller's, as trusted as config.json.
 *
 *   prestart, createRuntime   the monitor is in the container's namespaces; before the next
 *   createContainer           in these namespaces, the root file system mounted on its own path and
 *                             the host's files around it; before pivot_root
 *   startContainer            in the guest, by the process itself (hooks_plan.h)
 *   poststart                 start, once the process runs
 *   poststop                  delete, once nothing is left; failures are warnings
 *
 * They start in the bundle's directory, as with crun (and runc, which goes there itself).
 */
#ifndef NACRE_RUNTIME_HOOKS_H
#define NACRE_RUNTIME_HOOKS_H

#include "config.h"
#include "failure.h"
#include "state.h"

/* Where hooks run, beside the state that they get. */
struct hooks_place {
	int mount_ns, net_ns; /* -1: here */
	int signal_fd;	      /* of signals_open(): an ending signal ends the hook; -1: none */
};

#define HOOKS_HERE(fd) ((struct hooks_place){ .mount_ns = -1, .net_ns = -1, .signal_fd = (fd) })

/*
 * Runs the hooks of one kind, in their order, until one fails. `status` is what they are told.
 * Returns 0, or -errno with the failure set to a line that names the hook.
 */
int hooks_run(struct container_config *config, enum config_hook_kind kind,
	      const struct state *state, enum state_status status, struct hooks_place place,
	      struct failure *failure);

/*
 * How long the hooks of one kind may take, in milliseconds; INT_MAX (24 days) when one of them has no
 * timeout.
 */
int hooks_time_ms(const struct container_config *config, enum config_hook_kind kind);

/* Runs all poststop hooks, whatever comes of each: a failure is a warning. */
void hooks_run_poststop(struct container_config *config, const struct state *state,
			int signal_fd);

/* Reads the hooks of a container that exists into an initialized configuration. As hooks_run(). */
int hooks_read(struct container_config *config, const struct state *state,
	       struct failure *failure);

#endif
