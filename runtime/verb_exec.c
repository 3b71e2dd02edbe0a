/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre exec: a process that joins a running container. It has a session of its own with the guest
 * and a monitor of its own on the host, in the container's cgroup and namespaces; the VM and its
 * other companions are the container's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "apparmor.h"
#include "cgroup.h"
#include "console.h"
#include "exec_config.h"
#include "fd.h"
#include "launch.h"
#include "listener.h"
#include "monitor_start.h"
#include "oom_score.h"
#include "pid_file.h"
#include "plan_compile.h"
#include "preserved.h"
#include "proto.h"
#include "report.h"
#include "rootless.h"
#include "session.h"
#include "signals.h"
#include "state.h"
#include "state_files.h"
#include "terminal.h"
#include "verbs.h"

/* Of nacre itself: 126 and 127 are passed on, as the process' own would be. */
#define STATUS_FAILED 1
/* How long the guest may take to make the process; it runs already. */
#define READY_MS 30000

struct exec {
	struct exec_options options;
	struct container_config config;
	json_t *json; /* of --process */
	struct companions companions;
	struct state state;
	struct console console;
	struct preserved preserved;
	struct monitor_start start;
	struct launch launch; /* of which only the monitor is started */
	struct session session;
	struct failure failure;
	int signal_fd;
};

static void exec_help(void)
{
	printf("nacre exec: run a process in a container that runs\n\n"
	       "  nacre exec [OPTION...] ID ARGV...\n"
	       "  nacre exec [OPTION...] --process FILE|- ID\n\n");
	options_print(stdout, &exec_option_table);
	printf("\nExit status: the process's; 128+N for a signal; 1 nacre's own errors,\n"
	       "126 not executable, 127 not found.\n");
}

static int check_status(const struct state *state, struct failure *failure)
{
	switch (state_status(state)) {
	case STATE_CREATED: /* its process is held: there is something to join */
	case STATE_RUNNING:
		return state->vmm.pid ? 0 : failure_set(failure, -ENOTSUP, "%s: " STATE_NO_VM,
							state->id);
	case STATE_PAUSED:
		return failure_set(failure, -EBUSY, "%s: cannot exec in a paused container",
				   state->id);
	default:
		return failure_set(failure, -ESRCH, "%s: container not running", state->id);
	}
}

static int make_plan(struct exec *exec)
{
	struct plan_buffer plan;
	int err = plan_compile_process(&exec->config, &plan, &exec->failure);

	if (!err)
		err = exec->launch.plan_fd = launch_plan_file(&plan, &exec->failure);
	plan_buffer_free(&plan);
	return err < 0 ? err : 0;
}

/* A terminal is the caller's own, or with --console-socket one that is sent there. */
static int open_terminal(struct exec *exec)
{
	struct config_process *process = &exec->config.process;
	const char *path = exec->options.console_socket;

	if (!process->terminal) {
		if (path)
			return failure_set(&exec->failure, -EINVAL,
					   "--console-socket: expected a process with a terminal");
		if (!exec->options.detach && terminal_is_in_background())
			exec->launch.std[0] = -1;
		return 0;
	}
	if (!path && exec->options.detach)
		return failure_set(&exec->failure, -EINVAL,
				   "--detach: a terminal expects --console-socket, to be sent to");
	if (!path) {
		process->plain_lines = !isatty(STDOUT_FILENO);
		if (isatty(STDIN_FILENO) && process->rows == 0 && process->cols == 0)
			terminal_size(&process->rows, &process->cols);
		return 0;
	}
	for (int i = 0; i < 3; i++)
		exec->launch.std[i] = -1;
	exec->launch.controlling_terminal = true;
	return console_open(&exec->console, path, process->rows, process->cols, &exec->failure);
}

/* Opens what exists already; nothing is made but a terminal. */
static int exec_prepare(struct exec *exec, const struct global_options *global, int argc,
			char *argv[])
{
	struct failure *failure = &exec->failure;
	int err;

	if (argc == 0)
		return failure_set(failure, -EINVAL, "exec: expected the ID of a container");
	err = pid_file_check(exec->options.pid_file, failure);
	if (!err)
		err = state_open(&exec->state, global->root, argv[0], global->arena, failure);
	if (!err)
		err = check_status(&exec->state, failure);
	if (!err)
		err = state_read_config(&exec->state, &exec->config, failure);
	if (!err)
		err = exec_config_make(&exec->config, &exec->options, argc - 1, argv + 1,
				       &exec->json, failure);
	oom_score_inherit(&exec->config.process);
	if (!err)
		err = preserved_take(&exec->preserved, exec->options.preserve_fds, &exec->config,
				     failure);
	if (!err)
		err = companions_find(&exec->companions, &exec->config.arena, failure);
	if (!err)
		err = open_terminal(exec);
	return err ? err : make_plan(exec);
}

/* A namespace of the container's monitor, which is what engines know the container by. */
static int open_namespace(const struct exec *exec, const char *name, struct failure *failure)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", exec->state.monitor.pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failure_set(failure, -errno, "%s: container not running: %s: %s",
				   exec->state.id, path, strerror(errno));
	return fd;
}

static int open_start(struct exec *exec)
{
	struct monitor_start *start = &exec->start;
	struct failure *failure = &exec->failure;
	int err;

	start->companions = &exec->companions;
	start->container = exec->state.number;
	start->joins = true;
	start->terminal = exec->config.process.terminal;
	start->preserved = exec->config.preserved;
	start->with_lifeline = start->lines_to_us = !exec->options.detach;
	start->plan_fd = exec->launch.plan_fd;
	start->selinux_label = exec->state.selinux.monitor;
	start->apparmor_profile = apparmor_profile_here(exec->options.apparmor ?
							exec->options.apparmor :
							exec->config.process.apparmor_profile);
	start->controlling_terminal = exec->launch.controlling_terminal;
	memcpy(start->std, exec->launch.std, sizeof(start->std));
	for (int i = 0; i < 3 && exec->console.slave_fd >= 0; i++)
		start->std[i] = exec->console.slave_fd;
	err = monitor_connect(start, exec->state.dir_fd);
	if (err)
		return listener_refused(failure, err, exec->state.id);
	start->status_fd = openat(exec->state.dir_fd, STATUS_FILE,
				  O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (start->status_fd < 0)
		return failure_set(failure, -errno, "%s/" STATUS_FILE ": %s", exec->state.dir,
				   strerror(errno));
	if (rootless_join(exec->state.monitor.pid, failure) != 0)
		return -EPERM;
	start->mount_ns = open_namespace(exec, "mnt", failure);
	start->net_ns = start->mount_ns < 0 ? -1 : open_namespace(exec, "net", failure);
	if (start->net_ns < 0)
		return start->net_ns;
	start->cgroup_fd = cgroup_open(exec->state.cgroup);
	/* The monitor may have ended, and another process have its pid, while these were opened. */
	return process_ref_is_alive(&exec->state.monitor) ? 0 : check_status(&exec->state, failure);
}

static void close_start(struct exec *exec)
{
	struct monitor_start *start = &exec->start;

	monitor_disconnect(start);
	preserved_close(&exec->preserved);
	drop_fd(&start->status_fd);
	drop_fd(&start->mount_ns);
	drop_fd(&start->net_ns);
	drop_fd(&start->cgroup_fd);
	drop_fd(&exec->console.slave_fd);
}

static int start_monitor(struct exec *exec)
{
	struct launch *launch = &exec->launch;
	int err = open_start(exec);

	if (!err)
		err = monitor_run(&exec->start, &launch->monitor, &exec->config.arena,
				  &launch->sync_fd, &launch->lifeline_fd, &exec->failure);
	close_start(exec);
	return err;
}

/* The process is held: the terminal goes to the caller, the process is let go. */
static bool let_go(struct exec *exec)
{
	struct session *session = &exec->session;

	if (!session_reach(session, SESSION_CREATED))
		return false;
	if (exec->options.console_socket && console_send(&exec->console, &exec->failure) != 0)
		return false;
	return session_reach(session, SESSION_RUNNING) &&
	       pid_file_write(exec->options.pid_file, exec->launch.monitor.pid,
			      &exec->failure) == 0;
}

static int exec_process(struct exec *exec)
{
	struct session *session = &exec->session;
	bool with_terminal = exec->config.process.terminal && !exec->options.console_socket &&
			     isatty(STDIN_FILENO);
	int status;

	exec->signal_fd = signals_open(&exec->failure);
	session_begin(session, &exec->launch, exec->signal_fd, with_terminal, &exec->failure);
	if (exec->signal_fd < 0 || start_monitor(exec) != 0) {
		session_end(session);
		return STATUS_FAILED;
	}
	if (let_go(exec)) {
		if (exec->options.detach) {
			launch_let_go(&exec->launch);
			return 0;
		}
		session_reach(session, SESSION_OVER);
	}
	status = session_end(session);
	return exec->failure.text[0] && status == SESSION_STATUS_NACRE ? STATUS_FAILED : status;
}

static void exec_close(struct exec *exec)
{
	console_close(&exec->console);
	drop_fd(&exec->launch.plan_fd);
	drop_fd(&exec->signal_fd);
	state_close(&exec->state);
	config_free(&exec->config);
	json_decref(exec->json);
}

int verb_exec(const struct global_options *global, int argc, char *argv[])
{
	static struct exec exec = { .state = STATE_NONE, .console = CONSOLE_NONE,
				    .signal_fd = -1 };
	int status = STATUS_FAILED;
	int used, err;

	config_init(&exec.config);
	launch_init(&exec.launch);
	monitor_start_init(&exec.start);
	exec.launch.config = &exec.config;
	exec.launch.state = &exec.state;
	exec.launch.boot_timeout_ms = READY_MS;
	used = options_parse(&exec_option_table, argc - 1, argv + 1, &exec.options, global->arena,
			     &exec.failure);
	if (used >= 0 && exec.options.help) {
		exec_help();
		return 0;
	}
	exec.launch.detached = exec.options.detach;
	err = used < 0 ? used : exec_prepare(&exec, global, argc - 1 - used, argv + 1 + used);
	if (!err)
		status = exec_process(&exec);
	else if (err == CONFIG_NOT_FOUND)
		status = FAILED_NOT_FOUND;
	if (exec.failure.text[0])
		report_error("%s", exec.failure.text);
	exec_close(&exec);
	return status;
}
