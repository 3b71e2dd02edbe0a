/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre run: one container in a VM of its own, waited for. Options or config.json are read and
 * checked wholly, what is needed is opened, and only then something is made on the host; whatever
 * way it ends, what was made is removed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "cgroup.h"
#include "conf.h"
#include "fd.h"
#include "inputs.h"
#include "plan_compile.h"
#include "report.h"
#include "run_config.h"
#include "session.h"
#include "signals.h"
#include "terminal.h"
#include "verbs.h"

#define STATUS_FAILED 125

struct run {
	const struct global_options *global;
	struct conf conf;
	struct run_options options;
	struct container_config config;
	struct companions companions;
	struct exports exports;
	struct state state;
	struct launch launch;
	struct failure failure;
	int signal_fd;
	bool with_terminal; /* standard input's terminal is to be raw */
};

static void run_help(void)
{
	printf("nacre run: run a container in a micro-VM and wait for it\n\n"
	       "  nacre run [OPTION...] --rootfs DIR -- ARGV...\n"
	       "  nacre run [--kernel FILE] [--console-log FILE] --bundle DIR ID\n\n");
	options_print(stdout, &run_option_table);
	printf("\nExit status: the process's; 128+N for a signal; 125 nacre's own errors,\n"
	       "126 not executable, 127 not found.\n");
}

/* Opens what exists already. Nothing is made, but the console log at the very end. */
static int run_open_inputs(struct run *run)
{
	struct launch *launch = &run->launch;
	struct failure *failure = &run->failure;
	const char *kernel = run->options.kernel ? run->options.kernel : run->conf.kernel;
	int err = companions_find(&run->companions, &run->config.arena, failure);

	if (!err)
		err = companions_check(&run->companions, failure);
	if (!err)
		err = launch->kvm_fd = inputs_open_kvm(failure);
	if (err >= 0)
		err = launch->kernel_fd =
			inputs_open_kernel(kernel ? kernel : run->companions.kernel, failure);
	if (err >= 0)
		err = launch->init_fd = inputs_open_init(run->companions.init, failure);
	if (err >= 0)
		err = exports_open(&run->exports, &run->config, failure);
	return err < 0 ? err : 0;
}

static int run_make_plan(struct run *run)
{
	struct config_process *process = &run->config.process;
	struct plan_buffer plan;
	int err;

	run->with_terminal = process->terminal && isatty(STDIN_FILENO);
	run->launch.stdin_is_null = !process->terminal && terminal_is_in_background();
	if (run->with_terminal && process->rows == 0 && process->cols == 0)
		terminal_size(&process->rows, &process->cols);
	err = plan_compile(&run->config, &plan, &run->failure);
	if (!err)
		err = run->launch.plan_fd = launch_plan_file(&plan, &run->failure);
	plan_buffer_free(&plan);
	return err < 0 ? err : 0;
}

/* What nacre.conf says, where neither an option nor config.json does. */
static void run_apply_conf(struct run *run)
{
	struct config_resources *resources = &run->config.resources;

	if (resources->memory_limit <= 0 && run->conf.memory > 0)
		resources->memory_limit = (int64_t)run->conf.memory;
	if (run->config.cpus == 0 && resources->cpu_quota <= 0)
		run->config.cpus = (uint32_t)run->conf.cpus;
	run->launch.boot_timeout_ms = (int)(run->conf.boot_timeout_s * 1000);
}

static int run_prepare(struct run *run, int argc, char *argv[])
{
	struct failure *failure = &run->failure;
	int err;

	if (geteuid() != 0)
		return failure_set(failure, -EPERM,
				   "run: expected root: running as a user is not supported yet");
	err = conf_read(&run->conf, &run->config.arena, failure);
	if (!err)
		err = run_config_make(&run->config, &run->options, argc, argv, failure);
	if (err)
		return err;
	run_apply_conf(run);
	err = run_open_inputs(run);
	if (!err)
		err = run_make_plan(run);
	if (!err && run->options.console_log) {
		err = run->launch.console_fd =
			inputs_open_console_log(run->options.console_log, failure);
		err = err < 0 ? err : 0;
	}
	return err;
}

static void run_size(struct run *run)
{
	struct sysinfo host = { .mem_unit = 1 };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	sysinfo(&host);
	run->state.size = vm_size_of(&run->config, (uint64_t)host.totalram * host.mem_unit,
				     cpus > 0 ? (uint32_t)cpus : 1);
}

/* Makes what others can see, starts, waits. Returns the exit status. */
static int run_container(struct run *run)
{
	struct state *state = &run->state;
	struct launch *launch = &run->launch;
	int status = STATUS_FAILED;
	int err = state_create(state, &run->config, run->global->root, &run->config.arena,
			       &run->failure);

	if (err)
		return STATUS_FAILED;
	state->cgroup = cgroup_create(run->config.cgroups_path, run->config.id,
				      &run->config.arena);
	launch->cgroup_fd = cgroup_open(state->cgroup);
	if (state->cgroup) /* a later run must find it, should this one be killed */
		err = state_write(state, &run->config, &run->failure);
	if (!err)
		err = launch_start(launch, &run->failure);
	if (!err) {
		state->vmm_pid = launch->vmm.pid;
		state->fsd_pid = launch->fsd.pid;
		state->monitor_pid = launch->monitor.pid;
		err = state_write(state, &run->config, &run->failure);
	}
	/* they have their own by now; what is held here would keep mounts and files alive */
	exports_close(&run->exports);
	drop_fd(&launch->kvm_fd);
	if (!err)
		status = session_run(launch, run->signal_fd, run->with_terminal, &run->failure);
	else
		launch_end(launch, 0);
	drop_fd(&launch->cgroup_fd);
	if (state->cgroup)
		cgroup_remove(state->cgroup);
	state_remove(state);
	return status;
}

static void run_close(struct run *run)
{
	struct launch *launch = &run->launch;

	exports_close(&run->exports);
	drop_fd(&launch->kvm_fd);
	drop_fd(&launch->kernel_fd);
	drop_fd(&launch->init_fd);
	drop_fd(&launch->console_fd);
	drop_fd(&launch->plan_fd);
	drop_fd(&run->signal_fd);
	config_free(&run->config);
}

int verb_run(const struct global_options *global, int argc, char *argv[])
{
	static struct run run = {
		.exports = { .root_fd = -1 },
		.state = { .dir_fd = -1, .status_fd = -1 },
		.signal_fd = -1,
	};
	int status = STATUS_FAILED;
	int used;

	run.global = global;
	config_init(&run.config);
	launch_init(&run.launch);
	used = options_parse(&run_option_table, argc - 1, argv + 1, &run.options, global->arena,
			     &run.failure);
	if (used >= 0 && run.options.help) {
		run_help();
		return 0;
	}
	run.launch.config = &run.config;
	run.launch.companions = &run.companions;
	run.launch.exports = &run.exports;
	run.launch.state = &run.state;
	if (used >= 0 && run_prepare(&run, argc - 1 - used, argv + 1 + used) == 0) {
		run_size(&run);
		run.signal_fd = signals_open(&run.failure);
		if (run.signal_fd >= 0)
			status = run_container(&run);
	}
	if (run.failure.text[0])
		report_error("%s", run.failure.text);
	run_close(&run);
	return status;
}
