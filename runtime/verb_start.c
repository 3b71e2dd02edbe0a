/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre start (OCI runtime-spec 1.2 runtime.md "Start"): tells the monitor of a created container to
 * let its process go, and waits until it runs or has failed to.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "existing.h"
#include "fd.h"
#include "hooks.h"
#include "listener.h"
#include "net_late.h"
#include "monitorwire.h"
#include "proto.h"
#include "removal.h"
#include "rootless.h"
#include "state_files.h"

/* From START to the process' execve(), beside hooks in the guest: the network's set-up. */
#define STARTED_WAIT_MS 60000
/* How long a killed monitor may take to end. */
#define KILL_WAIT_MS 2000

struct start_options {
	bool help;
};

static const struct option_row rows[] = {
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG,
	  .offset = offsetof(struct start_options, help), .help = "this text" },
};

static const struct option_table table = { rows, sizeof(rows) / sizeof(rows[0]) };

static const struct existing_usage usage = {
	.line = "nacre start: run the process of a created container",
	.usage = "nacre start ID",
	.table = &table,
	.help_offset = offsetof(struct start_options, help),
	.least = 1,
	.most = 1,
};

/*
 * Waits for the monitor's answer to START. 0, or -errno with the failure set: -ECANCELED, if a
 * startContainer hook failed.
 */
static int await_started(int monitor_fd, const char *id, int wait_ms, struct failure *failure)
{
	struct monitor_packet packet = { .type = le32_of(0) };
	const size_t head = offsetof(struct monitor_packet, text);
	struct pollfd wait = { .fd = monitor_fd, .events = POLLIN };
	ssize_t n = 0;

	if (poll(&wait, 1, wait_ms) == 0)
		return failure_set(failure, -ETIMEDOUT, "%s: the process did not start within %d s",
				   id, wait_ms / 1000);
	n = recv(monitor_fd, &packet, sizeof(packet), 0);
	if (n >= (ssize_t)head && le32_get(packet.type) == MONITOR_STARTED)
		return 0;
	if (n >= (ssize_t)head && le32_get(packet.type) == MONITOR_FAILED &&
	    le32_get(packet.text_len) <= (size_t)n - head)
		return failure_set(failure, le32_get(packet.status) == FAILED_HOOK ? -ECANCELED : -EIO,
				   "%.*s", (int)le32_get(packet.text_len), packet.text);
	return failure_set(failure, -EIO, "%s: container ended before its process started", id);
}

/* `hooks` is a configuration that holds the container's hooks. As await_started(). */
static int start_process(struct state *state, const struct container_config *hooks,
			 struct arena *arena, struct failure *failure)
{
	struct monitor_packet packet = { .type = le32_of(MONITOR_START) };
	autoclose int fd = listener_connect(state->dir_fd, MONITOR_SOCKET_FILE, SOCK_SEQPACKET);
	int wait_ms = hooks_time_ms(hooks, HOOK_START_CONTAINER);
	int err;

	if (fd < 0)
		return failure_set(failure, fd, "%s: its monitor cannot be reached: %s", state->id,
				   strerror(-fd));
	/* a user's: the network belongs to its user namespace, and hooks run there as create's do */
	err = rootless_join(state->monitor.pid, failure);
	/* a pod's network is its member's to join */
	if (!err && state->vmm.pid)
		err = net_late_attach(state, &packet, arena, failure);
	if (err)
		return err;
	if (send(fd, &packet,
		 offsetof(struct monitor_packet, text) + le32_get(packet.text_len),
		 MSG_NOSIGNAL) < 0)
		return failure_set(failure, -errno, "%s: container ended: %s", state->id,
				   strerror(errno));
	if (wait_ms < INT_MAX - STARTED_WAIT_MS)
		wait_ms += STARTED_WAIT_MS;
	return await_started(fd, state->id, wait_ms, failure);
}

/* True when a hook failed, with the failure set. */
static bool run_poststart(const struct state *state, struct container_config *hooks,
			  struct failure *failure)
{
	if (hooks_run(hooks, HOOK_POSTSTART, state, STATE_RUNNING, HOOKS_HERE(-1), failure) == 0)
		return false;
	process_ref_kill(&state->monitor, KILL_WAIT_MS);
	return true;
}

/*
 * "If any startContainer hook fails, the runtime MUST generate an error, stop the container, and continue the
 * lifecycle at step 12", which is its destruction. The same of poststart hooks.
 */
static void start_container(struct state *state, struct arena *arena, struct failure *failure)
{
	struct container_config hooks;
	bool hook_failed = false;

	config_init(&hooks);
	if (hooks_read(&hooks, state, failure) == 0) {
		int err = start_process(state, &hooks, arena, failure);

		/* the guest's word counts only where there is such a hook */
		hook_failed = err ? err == -ECANCELED && hooks.hooks[HOOK_START_CONTAINER].n > 0 :
				    run_poststart(state, &hooks, failure);
	}
	config_free(&hooks);
	if (hook_failed)
		removal_run(state);
}

int verb_start(const struct global_options *global, int argc, char *argv[])
{
	struct start_options options = { .help = false };
	struct failure failure = { .text = "" };
	struct state state = STATE_NONE;
	int at = existing_parse(&usage, global, argc, argv, &options, &failure);
	enum state_status status;

	if (at > 0 && state_open_locked(&state, global->root, argv[at], STATE_LOCK_MS,
					global->arena, &failure) == 0) {
		status = state_status(&state);
		/* "Attempting to start a container that is not created MUST ... generate an
		 * error." */
		if (status != STATE_CREATED)
			failure_set(&failure, -EINVAL,
				    "%s: cannot start a container that is %s: expected created",
				    argv[at], state_status_name(status));
		else
			start_container(&state, global->arena, &failure);
	}
	return existing_end(&state, &failure);
}
