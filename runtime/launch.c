/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the companions of a container; see launch.h and docs/architecture.md. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "fd.h"
#include "launch.h"
#include "listener.h"
#include "spawn.h"
#include "state_sweep.h"
#include "userns.h"

/* The monitor's connections: control, and a terminal or three streams. */
#define CONNECTIONS_MAX 4

static const char *const stream_options[CONNECTIONS_MAX] = { "--control", "--stdin", "--stdout",
							     "--stderr" };
static const char *const tty_options[] = { "--control", "--tty" };

void launch_init(struct launch *launch)
{
	*launch = (struct launch){
		.kvm_fd = -1, .kernel_fd = -1, .init_fd = -1, .console_fd = -1, .plan_fd = -1,
		.cgroup_fd = -1, .confined_fd = -1, .sync_fd = -1, .lifeline_fd = -1,
		.vmm = { .name = "nacre-vmm", .pidfd = -1, .lines = { .fd = -1 } },
		.fsd = { .name = "nacre-fsd", .pidfd = -1, .lines = { .fd = -1 } },
		.monitor = { .name = "nacre-monitor", .pidfd = -1, .lines = { .fd = -1 } },
	};
}

int launch_plan_file(const struct plan_buffer *plan, struct failure *failure)
{
	autoclose int fd = memfd_create("nacre-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, plan->bytes, plan->len) != (ssize_t)plan->len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return failure_set(failure, -errno, "cannot write the plan: %s", strerror(errno));
	return steal_fd(&fd);
}

/* Starts one child with a pipe for the lines that it writes to standard error. */
static int child_start(struct child *child, struct spawn *spawn, struct failure *failure)
{
	autoclose int lines_fd = lines_open(&child->lines);
	pid_t pid;

	if (lines_fd < 0)
		return failure_set(failure, lines_fd, "pipe: %s", strerror(-lines_fd));
	spawn->std[2] = lines_fd;
	pid = spawn_run(spawn, &child->pidfd, failure);
	if (pid < 0)
		return pid;
	child->pid = pid;
	return 0;
}

static int vmm_start(struct launch *launch, int listener_fd, int fsd_socket,
		     struct failure *failure)
{
	struct state *state = launch->state;
	struct arena *arena = &launch->config->arena;
	autoclose int user_ns = userns_create_for_vmm(state->vmm_uid, state->vmm_gid, failure);
	struct spawn spawn;

	if (user_ns < 0)
		return user_ns;
	spawn_begin(&spawn, arena, launch->companions->vmm, launch->vmm.name);
	/* its parents and helpers are none: process 1 of a pid namespace of its own */
	spawn.clone_flags = CLONE_NEWPID;
	spawn.cgroup_fd = launch->cgroup_fd;
	spawn_arg_fd(&spawn, "--kvm", launch->kvm_fd);
	spawn_arg(&spawn, "--memory");
	spawn_arg(&spawn, arena_printf(arena, "%llu", (unsigned long long)state->size.memory));
	spawn_arg(&spawn, "--cpus");
	spawn_arg(&spawn, arena_printf(arena, "%u", state->size.cpus));
	spawn_arg_fd(&spawn, "--kernel", launch->kernel_fd);
	spawn_arg_fd(&spawn, "--init", launch->init_fd);
	spawn_arg_fd(&spawn, "--listener", listener_fd);
	spawn_arg_fd(&spawn, "--status", state->status_fd);
	spawn_arg_fd(&spawn, "--fs", fsd_socket);
	if (launch->exports->n_volumes > 0)
		spawn_arg(&spawn, "--volumes");
	if (launch->console_fd >= 0)
		spawn_arg_fd(&spawn, "--console", launch->console_fd);
	spawn_arg_fd(&spawn, "--user-ns", user_ns);
	spawn_arg_fd(&spawn, "--confined", launch->confined_fd);
	spawn_arg(&spawn, "--boot-timeout");
	spawn_arg(&spawn, arena_printf(arena, "%d", launch->boot_timeout_ms));
	return child_start(&launch->vmm, &spawn, failure);
}

static int fsd_start(struct launch *launch, int vmm_socket, int mount_ns, struct failure *failure)
{
	const struct exports *exports = launch->exports;
	autoclose int user_ns = userns_create_for_fsd(launch->config, failure);
	struct spawn spawn;

	if (user_ns < 0)
		return user_ns;
	spawn_begin(&spawn, &launch->config->arena, launch->companions->fsd, launch->fsd.name);
	spawn.cgroup_fd = launch->cgroup_fd;
	spawn_arg_fd(&spawn, "--socket", vmm_socket);
	spawn_arg(&spawn, "--container");
	spawn_arg(&spawn, "0");
	spawn_arg_fd(&spawn, "--user-ns", user_ns);
	spawn_arg_fd(&spawn, "--mount-ns", mount_ns);
	spawn_arg_fd(&spawn, "--confined", launch->confined_fd);
	spawn_arg_fd_with(&spawn, "--root", exports->root_fd, exports->root_readonly ? ":ro" : "");
	for (size_t i = 0; i < exports->n_volumes; i++)
		spawn_arg_fd_with(&spawn, "--volume", exports->volume_fds[i],
				  exports->volume_readonly[i] ? ":ro" : "");
	return child_start(&launch->fsd, &spawn, failure);
}

/*
 * The monitor's standard error is the caller's; what it has to say to the user comes through the
 * log pipe, so that nacre writes it where --log wants it.
 */
static int monitor_start(struct launch *launch, const int *connections, int mount_ns,
			 struct failure *failure)
{
	struct child *monitor = &launch->monitor;
	bool tty = launch->config->process.terminal;
	const char *const *options = tty ? tty_options : stream_options;
	autoclose int lines_fd = lines_open(&monitor->lines);
	autoclose int sync_fd = -1;
	autoclose int lifeline_fd = -1;
	struct spawn spawn;
	int sync_pair[2], lifeline_pair[2];

	if (lines_fd < 0)
		return failure_set(failure, lines_fd, "pipe: %s", strerror(-lines_fd));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sync_pair) < 0)
		return failure_set(failure, -errno, "socketpair: %s", strerror(errno));
	launch->sync_fd = sync_pair[0];
	sync_fd = sync_pair[1];
	if (pipe2(lifeline_pair, O_CLOEXEC) < 0)
		return failure_set(failure, -errno, "pipe: %s", strerror(errno));
	launch->lifeline_fd = lifeline_pair[1];
	lifeline_fd = lifeline_pair[0];

	spawn_begin(&spawn, &launch->config->arena, launch->companions->monitor, monitor->name);
	spawn.cgroup_fd = launch->cgroup_fd;
	spawn.keep_signals_blocked = true; /* it takes them from a descriptor, as nacre does */
	spawn.std[0] = launch->stdin_is_null ? -1 : STDIN_FILENO;
	spawn.std[1] = STDOUT_FILENO;
	spawn.std[2] = STDERR_FILENO;
	spawn_arg(&spawn, "--container");
	spawn_arg(&spawn, "0");
	for (int i = 0; i < (tty ? 2 : CONNECTIONS_MAX); i++)
		spawn_arg_fd(&spawn, options[i], connections[i]);
	spawn_arg_fd(&spawn, "--plan", launch->plan_fd);
	spawn_arg_fd(&spawn, "--status", launch->state->status_fd);
	spawn_arg_fd(&spawn, "--sync", sync_fd);
	spawn_arg_fd(&spawn, "--lifeline", lifeline_fd);
	spawn_arg_fd(&spawn, "--mount-ns", mount_ns);
	spawn_arg_fd(&spawn, "--log", lines_fd);
	spawn_arg_fd(&spawn, "--confined", launch->confined_fd);
	monitor->pid = spawn_run(&spawn, &monitor->pidfd, failure);
	if (monitor->pid < 0) {
		int err = monitor->pid;

		monitor->pid = 0;
		return err;
	}
	return 0;
}

/*
 * Makes the connections before the VMM is started: should nacre be killed meanwhile, the VMM
 * accepts them, finds them closed, and ends.
 */
static int connections_open(struct launch *launch, int *connections, struct failure *failure)
{
	int n = launch->config->process.terminal ? 2 : CONNECTIONS_MAX;

	for (int i = 0; i < n; i++) {
		connections[i] = listener_connect(launch->state->dir_fd, SOCKET_FILE, failure);
		if (connections[i] < 0)
			return connections[i];
	}
	return 0;
}

static int start_all(struct launch *launch, int *connections, struct failure *failure)
{
	autoclose int listener_fd = listener_create(launch->state->dir_fd, SOCKET_FILE, failure);
	autoclose int vmm_socket = -1;
	autoclose int fsd_socket = -1;
	autoclose int mount_ns = -1;
	int pair[2];
	int err;

	if (listener_fd < 0)
		return listener_fd;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return failure_set(failure, -errno, "socketpair: %s", strerror(errno));
	vmm_socket = pair[0];
	fsd_socket = pair[1];
	err = connections_open(launch, connections, failure);
	if (!err)
		err = vmm_start(launch, listener_fd, vmm_socket, failure);
	/* from now on a dead VMM is seen by its peers: nobody else holds its ends */
	drop_fd(&listener_fd);
	drop_fd(&vmm_socket);
	if (err)
		return err;
	mount_ns = exports_mount_namespace(launch->exports, launch->state->dir, failure);
	if (mount_ns < 0)
		return mount_ns;
	err = fsd_start(launch, fsd_socket, mount_ns, failure);
	drop_fd(&fsd_socket);
	return err ? err : monitor_start(launch, connections, mount_ns, failure);
}

int launch_start(struct launch *launch, struct failure *failure)
{
	int connections[CONNECTIONS_MAX] = { -1, -1, -1, -1 };
	int err;

	launch->confined_fd = openat(launch->state->dir_fd, CONFINED_FILE,
				     O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (launch->confined_fd < 0)
		return failure_set(failure, -errno, "%s/" CONFINED_FILE ": cannot make: %s",
				   launch->state->dir, strerror(errno));
	err = start_all(launch, connections, failure);
	drop_fd(&launch->confined_fd);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		drop_fd(&connections[i]);
	return err;
}

void launch_reap(struct child *child)
{
	if (child->pid <= 0 || child->ended)
		return;
	if (waitpid(child->pid, &child->wait_status, WNOHANG) == child->pid)
		child->ended = true;
	lines_read(&child->lines);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void child_finish(struct child *child, int64_t deadline)
{
	struct pollfd wait = { .fd = child->pidfd, .events = POLLIN };

	if (child->pid <= 0)
		return;
	while (!child->ended) {
		int64_t left = deadline - now_ms();
		int n = poll(&wait, 1, left > 0 ? (int)left : 0);

		if (n == 0) {
			child->killed_by_us = true;
			pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
			/* nothing keeps a process from SIGKILL but a wait in the kernel */
			deadline = now_ms() + 1000;
			if (poll(&wait, 1, 1000) == 0)
				break;
		}
		launch_reap(child);
	}
	lines_read(&child->lines);
	drop_fd(&child->pidfd);
	drop_fd(&child->lines.fd);
}

void launch_end(struct launch *launch, int grace_ms)
{
	int64_t deadline = now_ms() + grace_ms;

	drop_fd(&launch->lifeline_fd);
	drop_fd(&launch->sync_fd);
	child_finish(&launch->monitor, deadline);
	child_finish(&launch->vmm, deadline);
	child_finish(&launch->fsd, deadline);
}
