/* SPDX-License-Identifier: Apache-2.0 */
/* The removal of a container; see removal.h. */
#include "cgroup_parts.h"
#include "hooks.h"
#include "net_join.h"
#include "removal.h"
#include "report.h"

/* How long one whose monitor is gone may take to end by itself: a guest syncs its files. */
#define END_GRACE_MS 3000
/* How long a killed process may take. */
#define KILL_WAIT_MS 2000

static void process_end(const struct process_ref *process, int grace_ms)
{
	if (process_ref_wait(process, grace_ms) != 0 &&
	    process_ref_kill(process, KILL_WAIT_MS) != 0)
		report_warning("process %d does not end", (int)process->pid);
}

/* The network namespace may live on, in a pod or in an engine's hands. */
static void part_from_network(const struct state *state)
{
	struct failure ignored = { .text = "" };
	struct container_config config;

	config_init(&config);
	if (state_read_config(state, &config, &ignored) == 0 && config.net_ns_path)
		net_part(config.net_ns_path);
	config_free(&config);
}

/* poststop hooks come when nothing is left, and hold up nothing. */
static void remove_with_hooks(struct state *state)
{
	struct failure failure = { .text = "" };
	struct container_config config;

	state_unlink(state);
	config_init(&config);
	if (hooks_read(&config, state, &failure) != 0)
		report_warning("%s", failure.text);
	hooks_run_poststop(&config, state, -1);
	config_free(&config);
}

void removal_run(struct state *state)
{
	process_end(&state->monitor, END_GRACE_MS);
	process_end(&state->vmm, END_GRACE_MS);
	process_end(&state->fsd, END_GRACE_MS);
	part_from_network(state);
	if (state->cgroup)
		cgroup_remove(state->cgroup, state->cgroup_id);
	remove_with_hooks(state);
}
