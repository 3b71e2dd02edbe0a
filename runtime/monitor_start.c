/* SPDX-License-Identifier: Apache-2.0 */
/* Starts nacre-monitor; see monitor_start.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "fd.h"
#include "listener.h"
#include "monitor_start.h"
#include "state_files.h"

#define TTY_CONNECTIONS 2

static const char *const stream_options[MONITOR_STANDARD_MAX] = { "--control", "--stdin",
								     "--stdout", "--stderr" };
static const char *const tty_options[TTY_CONNECTIONS] = { "--control", "--tty" };

void monitor_start_init(struct monitor_start *start)
{
	*start = (struct monitor_start){
		.std = { -1, -1, -1 }, .plan_fd = -1, .notify_fd = -1,
		.status_fd = -1, .started_fd = -1, .confined_fd = -1, .listener_fd = -1, .vmm_pidfd = -1,
		.fsd_alive_fd = -1, .mount_ns = -1, .net_ns = -1, .pid_ns = -1, .alive_fd = -1, .cgroup_fd = -1,
		.oom = CGROUP_OOM_NONE, .vmm_score_fd = -1,
	};
	for (int i = 0; i < MONITOR_CONNECTIONS_MAX; i++)
		start->connections[i] = -1;
}

static int n_standard(const struct monitor_start *start)
{
	return start->terminal ? TTY_CONNECTIONS : MONITOR_STANDARD_MAX;
}

static int n_connections(const struct monitor_start *start)
{
	return n_standard(start) + (start->preserved ? (int)start->preserved->n : 0);
}

int monitor_connect(struct monitor_start *start, int dir_fd)
{
	for (int i = 0; i < n_connections(start); i++) {
		start->connections[i] = listener_connect(dir_fd, SOCKET_FILE, SOCK_STREAM);
		if (start->connections[i] < 0)
			return start->connections[i];
	}
	return 0;
}

void monitor_disconnect(struct monitor_start *start)
{
	for (int i = 0; i < MONITOR_CONNECTIONS_MAX; i++)
		drop_fd(&start->connections[i]);
}

static void args_set(const struct monitor_start *start, struct spawn *spawn, struct arena *arena)
{
	const char *const *names = start->terminal ? tty_options : stream_options;
	const struct {
		const char *name;
		int fd;
	} others[] = {
		{ "--plan", start->plan_fd },	      { "--status", start->status_fd },
		{ "--started", start->started_fd },   { "--listener", start->listener_fd },
		{ "--vmm-pid", start->vmm_pidfd },    { "--fsd-alive", start->fsd_alive_fd },
		{ "--mount-ns", start->mount_ns },    { "--net-ns", start->net_ns },
		{ "--confined", start->confined_fd }, { "--memory-max", start->oom.max },
		{ "--memory-oom-group", start->oom.group },
		{ "--memory-swap-max", start->oom.swap_max },
		{ "--memory-current", start->oom.current },
		{ "--vmm-score", start->vmm_score_fd },
		{ "--notify", start->notify_fd },     { "--alive", start->alive_fd },
	};

	spawn_arg(spawn, "--container");
	spawn_arg(spawn, arena_printf(arena, "%u", start->container));
	if (start->sandbox) {
		spawn_arg(spawn, "--sandbox");
		spawn_arg(spawn, "1");
	}
	if (start->joins) {
		spawn_arg(spawn, "--joins");
		spawn_arg(spawn, "1");
	}
	for (int i = 0; i < n_standard(start) && !start->sandbox; i++)
		spawn_arg_fd(spawn, names[i], start->connections[i]);
	for (int i = n_standard(start); i < n_connections(start); i++) {
		spawn_arg_fd(spawn, "--preserved", start->preserved->fds[i - n_standard(start)]);
		spawn_arg_fd(spawn, "--for-preserved", start->connections[i]);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (others[i].fd >= 0)
			spawn_arg_fd(spawn, others[i].name, others[i].fd);
	}
}

/* A pair with one end of the monitor's. */
static int pair_make(bool is_socket, int *ours, int *theirs)
{
	int pair[2];

	if (is_socket ? socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0
		      : pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	*ours = pair[is_socket ? 0 : 1];
	*theirs = pair[is_socket ? 1 : 0];
	return 0;
}

/*
 * The monitor's standard error is the process'. What it has to say to the user comes through the
 * log pipe as long as a nacre waits for it, so that nacre writes it where --log wants it.
 */
int monitor_run(const struct monitor_start *start, struct child *monitor, struct arena *arena,
		int *sync_fd, int *lifeline_fd, struct failure *failure)
{
	autoclose int lines_fd = start->lines_to_us ? lines_open(&monitor->lines) : -1;
	autoclose int their_sync = -1;
	autoclose int their_lifeline = -1;
	autoclose int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct spawn spawn;
	int err = start->lines_to_us && lines_fd < 0 ? lines_fd : 0;

	if (null_fd < 0)
		return failure_set(failure, -errno, "/dev/null: %s", strerror(errno));
	if (!err)
		err = pair_make(true, sync_fd, &their_sync);
	if (!err && start->with_lifeline)
		err = pair_make(false, lifeline_fd, &their_lifeline);
	if (err)
		return failure_set(failure, err, "cannot make a pipe: %s", strerror(-err));
	spawn_begin(&spawn, arena, start->companions->monitor, monitor->name);
	spawn.cgroup_fd = start->cgroup_fd;
	spawn.cgroup_in_use = start->joins;
	spawn.pid_ns = start->pid_ns;
	spawn.selinux_label = start->selinux_label;
	spawn.apparmor_profile = start->apparmor_profile;
	spawn.oom_score = start->oom_score;
	spawn.keep_signals_blocked = true; /* it takes them from a descriptor, as nacre does */
	spawn.controlling_terminal = start->controlling_terminal;
	memcpy(spawn.std, start->std, sizeof(spawn.std));
	args_set(start, &spawn, arena);
	spawn_arg_fd(&spawn, "--sync", their_sync);
	spawn_arg_fd(&spawn, "--null", null_fd);
	if (their_lifeline >= 0)
		spawn_arg_fd(&spawn, "--lifeline", their_lifeline);
	if (lines_fd >= 0)
		spawn_arg_fd(&spawn, "--log", lines_fd);
	err = spawn_run(&spawn, &monitor->pidfd, failure);
	if (err < 0)
		return err;
	monitor->pid = err;
	return 0;
}
