/* SPDX-License-Identifier: Apache-2.0 */
/* The making of a container; see creation.h. */
#include <errno.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "annotations.h"
#include "blocks.h"
#include "cgroup.h"
#include "creation.h"
#include "creation_parts.h"
#include "fd.h"
#include "hooks.h"
#include "inputs.h"
#include "net_join.h"
#include "net_passt.h"
#include "net_read.h"
#include "net_socket.h"
#include "net_summary.h"
#include "notify.h"
#include "oom_score.h"
#include "pid_file.h"
#include "plan_compile.h"
#include "pod.h"
#include "rootless.h"
#include "rootless_maps.h"
#include "signals.h"
#include "terminal.h"
#include "timing.h"

void creation_init(struct creation *creation, const struct global_options *global,
		   const struct creation_options *options)
{
	*creation = (struct creation){
		.global = global,
		.options = options,
		.exports = { .root_fd = -1 },
		.console = CONSOLE_NONE,
		.state = STATE_NONE,
		.cgroup = CGROUP_NONE,
		.signal_fd = -1,
	};
	config_init(&creation->config);
	launch_init(&creation->launch);
	creation->launch.config = &creation->config;
	creation->launch.companions = &creation->companions;
	creation->launch.exports = &creation->exports;
	creation->launch.state = &creation->state;
	creation->launch.makes_container = true;
}

int creation_read_conf(struct creation *creation)
{
	int err = conf_read(&creation->conf, &creation->config.arena, &creation->failure);

	creation->config.skip_host_devices = creation->conf.skip_host_devices;
	creation->is_rootless = geteuid() != 0;
	return err ? err : rootless_enter(&creation->failure);
}

/* What annotations and nacre.conf say, where neither an option nor config.json does. */
static int apply_conf(struct creation *creation)
{
	int err = annotations_apply(&creation->config, &creation->conf, &creation->failure);

	if (err)
		return err;
	conf_apply_size(&creation->conf, &creation->config);
	oom_score_inherit(&creation->config.process);
	creation->launch.boot_timeout_ms = (int)(creation->conf.boot_timeout_s * 1000);
	return 0;
}

static int find_companions(struct creation *creation)
{
	int err = companions_find(&creation->companions, &creation->config.arena,
				  &creation->failure);

	return err ? err : companions_check(&creation->companions, &creation->failure);
}

/* Opens what exists already. */
static int open_inputs(struct creation *creation)
{
	struct launch *launch = &creation->launch;
	struct failure *failure = &creation->failure;
	const char *kernel = creation->options->kernel;
	int err = find_companions(creation);

	if (!kernel)
		kernel = creation->conf.kernel;
	if (!err)
		err = launch->kvm_fd = inputs_open_kvm(failure);
	if (err >= 0)
		err = launch->kernel_fd =
			inputs_open_kernel(kernel ? kernel : creation->companions.kernel, failure);
	if (err >= 0)
		err = launch->init_fd = inputs_open_init(creation->companions.init, failure);
	if (err >= 0)
		err = blocks_open(&creation->config, failure);
	if (err >= 0)
		err = exports_open(&creation->exports, &creation->config, failure);
	return err < 0 ? err : 0;
}

/*
 * How many interfaces may come between create and start: hooks may attach several; for who calls start there
 * is one, as a template has (docs/templates.md).
 */
static unsigned int n_to_come(const struct creation *creation)
{
	static const enum config_hook_kind before_start[] = { HOOK_PRESTART, HOOK_CREATE_RUNTIME,
							      HOOK_CREATE_CONTAINER };

	for (size_t i = 0; i < sizeof(before_start) / sizeof(before_start[0]); i++) {
		if (creation->config.hooks[before_start[i]].n > 0)
			return NET_INTERFACES_MAX;
	}
	return creation->is_started_later ? 1 : 0;
}

/* Opens or makes the network namespace, if there is to be one. 0 or -errno. */
static int open_net_ns(struct creation *creation)
{
	struct container_config *config = &creation->config;

	if (config->net_ns_path)
		config->net_ns_fd = net_namespace_open(config->net_ns_path, &creation->failure);
	else if (creation->launch.n_to_come && config->namespaces & CLONE_NEWNET)
		config->net_ns_fd = net_namespace_make(&creation->failure);
	else
		return 0;
	return config->net_ns_fd < 0 ? config->net_ns_fd : 0;
}

static const char *summary_of(const struct net *net, struct arena *arena)
{
	struct net_summary summary;

	net_summarize(net, &summary);
	return net_summary_text(&summary, arena);
}

/* Finds out what interfaces the container has. */
static int read_net(struct creation *creation)
{
	struct container_config *config = &creation->config;
	const char *passt = creation->conf.passt ? creation->conf.passt : NET_PASST_PATH;
	int err;

	config->net = &creation->net;
	config->net->limits = (struct net_limits){
		.to_guest_bytes = creation->conf.net_to_guest_bytes,
		.to_guest_frames = creation->conf.net_to_guest_frames,
		.from_guest_bytes = creation->conf.net_from_guest_bytes,
		.from_guest_frames = creation->conf.net_from_guest_frames,
	};
	if (config->net_passt)
		net_passt_configure(config->net, passt, &config->arena);
	if (creation->conf.vhost_net) {
		err = net_vhost_check(config->net, &creation->failure);
		if (err)
			return err;
	}
	err = open_net_ns(creation);
	if (err || config->net_ns_fd < 0)
		return err;
	err = net_read(config->net, config->net_ns_fd, &config->arena, &creation->failure);
	if (!err && config->net->n > 0)
		creation->state.network = summary_of(config->net, &config->arena);
	return err;
}

bool creation_has_net(const struct creation *creation)
{
	return creation->net.n > 0 || (creation->launch.n_to_come &&
				       creation->config.net_ns_fd >= 0 && net_has_taps());
}

static int make_plan(struct creation *creation)
{
	struct plan_buffer plan;
	int err = plan_compile(&creation->config, &plan, &creation->failure);

	if (!err)
		err = creation->launch.plan_fd = launch_plan_file(&plan, &creation->failure);
	plan_buffer_free(&plan);
	return err < 0 ? err : 0;
}

/*
 * A container that outlives its nacre has its terminal from --console-socket, and nothing else of
 * the caller's: whoever reads the caller's output to its end would wait for the container.
 */
static int open_console(struct creation *creation)
{
	const struct config_process *process = &creation->config.process;
	const char *path = creation->options->console_socket;
	struct launch *launch = &creation->launch;
	int err;

	if (!path && !(launch->detached && process->terminal))
		return 0;
	if (!path)
		return failure_set(&creation->failure, -EINVAL, "process.terminal: expected "
				   "--console-socket, to send the terminal to");
	if (!process->terminal || !launch->detached)
		return failure_set(&creation->failure, -EINVAL, "--console-socket: expected a "
				   "container with process.terminal that is not waited for");
	err = console_open(&creation->console, path, process->rows, process->cols,
			   &creation->failure);
	for (int i = 0; i < 3; i++)
		launch->std[i] = creation->console.slave_fd;
	launch->controlling_terminal = true;
	return err;
}

static void choose_size(struct creation *creation)
{
	struct sysinfo host = { .mem_unit = 1 };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	sysinfo(&host);
	creation->state.size = vm_size_of(&creation->config,
					  (uint64_t)host.totalram * host.mem_unit,
					  cpus > 0 ? (uint32_t)cpus : 1);
}

int creation_make_labels(struct creation *creation)
{
	return selinux_labels_make(&creation->state.selinux, &creation->config, &creation->conf,
				   &creation->companions, &creation->config.arena,
				   &creation->failure);
}

/* A pod's sandbox: everything but a VM. */
static int prepare_sandbox(struct creation *creation)
{
	int err = find_companions(creation);

	if (!err && creation->preserved.n > 0)
		err = failure_set(&creation->failure, -EINVAL, "--preserve-fds: the sandbox of a "
				  "pod runs no process that could have descriptors");
	if (!err)
		err = exports_open(&creation->exports, &creation->config, &creation->failure);
	if (!err)
		err = open_console(creation);
	if (!err)
		err = creation_make_labels(creation);
	if (!err)
		err = open_net_ns(creation);
	return err ? err : exports_seal(&creation->exports, &creation->config, &creation->failure);
}

int creation_prepare(struct creation *creation, bool detached)
{
	const char *sandbox_id;
	struct launch *launch = &creation->launch;
	int err;

	err = pid_file_check(creation->options->pid_file, &creation->failure);
	if (!err && creation->is_rootless)
		err = rootless_maps_translate(&creation->config, "/proc/self/uid_map",
					      "/proc/self/gid_map", &creation->failure);
	if (err)
		return err;
	err = preserved_take(&creation->preserved, creation->options->preserve_fds,
			     &creation->config, &creation->failure);
	if (err)
		return err;
	launch->detached = detached;
	launch->n_to_come = n_to_come(creation);
	err = apply_conf(creation);
	if (err)
		return err;
	launch->sandbox = config_pod_role(creation->config.json, &sandbox_id) == POD_SANDBOX;
	if (launch->sandbox)
		return prepare_sandbox(creation);
	err = open_inputs(creation);
	if (!err)
		err = open_console(creation);
	if (!err)
		err = creation_make_labels(creation);
	if (!err)
		err = read_net(creation);
	if (!err)
		err = notify_prepare(&creation->config, &creation->exports, &launch->notify_fd,
				     &creation->failure);
	if (!err)
		err = pod_inherit(&creation->config, creation->global->root, &creation->failure);
	if (!err) {
		choose_size(creation);
		creation_open_template(creation);
		err = make_plan(creation);
	}
	/* only now: nothing is made for a configuration that is refused */
	if (!err && creation_make_template_first(creation)) {
		drop_fd(&launch->plan_fd);
		err = make_plan(creation);
	}
	if (!err)
		err = exports_seal(&creation->exports, &creation->config, &creation->failure);
	timing_stamp(TIMING_CHECKED);
	return err;
}

static enum cgroup_manager cgroup_manager_of(const struct global_options *global)
{
	const char *name = global->cgroup_manager;

	if (global->systemd_cgroup || (name && strcmp(name, "systemd") == 0))
		return CGROUP_MANAGER_SYSTEMD;
	return name && strcmp(name, "disabled") == 0 ? CGROUP_MANAGER_NONE : CGROUP_MANAGER_FS;
}

int creation_make_state(struct creation *creation)
{
	struct state *state = &creation->state;
	int err;

	state->foreground = !creation->launch.detached && !creation->keep;
	err = state_create(state, &creation->config, creation->global->root,
			   &creation->config.arena, &creation->failure);
	if (!err)
		err = pod_check_alone(&creation->config, state, &creation->failure);
	if (err)
		return err;
	err = cgroup_create(&creation->cgroup, &creation->config, &state->size,
			    cgroup_manager_of(creation->global), &creation->config.arena,
			    &creation->failure);
	if (err)
		return err;
	state->cgroup = creation->cgroup.leaf;
	state->cgroup_disabled = cgroup_manager_of(creation->global) == CGROUP_MANAGER_NONE;
	state->cgroup_id = creation->cgroup.id;
	creation->launch.cgroup_fd = steal_fd(&creation->cgroup.fd);
	/* whoever comes after us must find it, should we be killed */
	return state->cgroup ? state_write(state, &creation->failure) : 0;
}

/* Joins the interfaces, or makes room for those that come. */
static int join_net(struct creation *creation)
{
	struct net *net = &creation->net;
	int ns_fd = creation->config.net_ns_fd, err;

	if (ns_fd < 0 || creation->launch.sandbox)
		return 0;
	if (net->n == 0 && creation->launch.n_to_come)
		err = net_join_spares(net, ns_fd, creation->launch.n_to_come,
				      creation->state.size.cpus, &creation->failure);
	else
		err = net_join(net, ns_fd, creation->state.size.cpus, &creation->failure);
	if (!err && creation->conf.vhost_net)
		err = net_vhost_open(net, &creation->failure);
	return err;
}

/* Only now: what the file holds may be the log of the container that has the name already. */
static int open_console_log(struct creation *creation)
{
	const char *path = creation->options->console_log;

	if (!path || creation->launch.sandbox)
		return 0;
	creation->launch.console_fd = inputs_open_console_log(path, &creation->failure);
	return creation->launch.console_fd < 0 ? creation->launch.console_fd : 0;
}

int creation_start(struct creation *creation, bool with_terminal)
{
	struct launch *launch = &creation->launch;
	int err;

	creation->signal_fd = signals_open(&creation->failure);
	session_begin(&creation->session, launch, creation->signal_fd, with_terminal,
		      &creation->failure);
	if (creation->signal_fd < 0)
		return creation->signal_fd;
	launch->signal_fd = creation->signal_fd;
	err = creation_make_state(creation);
	if (!err)
		err = join_net(creation);
	if (!err)
		err = open_console_log(creation);
	if (!err)
		err = launch_start(launch, &creation->failure);
	cgroup_settle(&creation->cgroup);
	timing_stamp(TIMING_SPAWNED);
	if (!err) {
		launch_note(launch);
		err = state_write(&creation->state, &creation->failure);
	}
	/* they have their own by now; what is held here would keep mounts and files alive */
	exports_close(&creation->exports);
	blocks_close(&creation->config);
	preserved_close(&creation->preserved);
	drop_fd(&launch->kvm_fd);
	drop_fd(&launch->template_fd);
	drop_fd(&creation->console.slave_fd);
	return err;
}

bool creation_started(struct creation *creation)
{
	int err;

	creation_note_boot(creation);
	state_unlock(&creation->state); /* from now on other verbs may change it */
	err = hooks_run(&creation->config, HOOK_POSTSTART, &creation->state, STATE_RUNNING,
			HOOKS_HERE(creation->signal_fd), &creation->failure);
	if (!err)
		err = pid_file_write(creation->options->pid_file, creation->launch.monitor.pid,
				     &creation->failure);
	return !err;
}

int creation_undo(struct creation *creation)
{
	int status = session_end(&creation->session);

	creation_discard_template(creation);
	net_close(&creation->net);
	if (creation->config.net_ns_path && !creation->launch.sandbox)
		net_part(creation->config.net_ns_path);
	timing_stamp(TIMING_ENDED);
	timing_read_vm(creation->state.status_fd);
	drop_fd(&creation->launch.cgroup_fd);
	if (creation->keep)
		return status;
	if (creation->state.cgroup && creation->state.dir_fd >= 0)
		cgroup_remove(creation->state.cgroup, creation->state.cgroup_id);
	if (creation->state.dir_fd < 0)
		return status;
	/* nothing is left, but what the hooks are told */
	state_unlink(&creation->state);
	timing_stamp(TIMING_REMOVED);
	hooks_run_poststop(&creation->config, &creation->state, creation->signal_fd);
	return status;
}

void creation_close(struct creation *creation)
{
	struct launch *launch = &creation->launch;

	console_close(&creation->console);
	exports_close(&creation->exports);
	blocks_close(&creation->config);
	drop_fd(&launch->cgroup_fd);
	drop_fd(&launch->kvm_fd);
	drop_fd(&launch->kernel_fd);
	drop_fd(&launch->init_fd);
	drop_fd(&launch->template_fd);
	drop_fd(&launch->console_fd);
	drop_fd(&launch->plan_fd);
	drop_fd(&launch->notify_fd);
	drop_fd(&launch->vmm_net_ns_fd);
	drop_fd(&creation->config.net_ns_fd);
	drop_fd(&creation->signal_fd);
	state_close(&creation->state);
	config_free(&creation->config);
}
