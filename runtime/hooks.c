/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks; see hooks.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <jansson.h>

#include "child.h"
#include "fd.h"
#include "hooks.h"
#include "report.h"
#include "signals.h"

/* What a hook reads: a file in memory, so that nothing waits for one that does not read. */
static int stdin_make(const struct state *state, enum state_status status)
{
	autoclose int fd = memfd_create("nacre-state", MFD_CLOEXEC);
	json_t *json = state_as_oci(state, status);
	int err = fd < 0 ? -errno : 0;

	if (!err && json_dumpfd(json, fd, JSON_COMPACT) < 0)
		err = -EIO;
	json_decref(json);
	if (!err && lseek(fd, 0, SEEK_SET) < 0)
		err = -errno;
	return err ? err : steal_fd(&fd);
}

static bool is_interrupted(int signal_fd)
{
	int signo;

	while (signal_fd >= 0 && (signo = signals_next(signal_fd)) > 0) {
		if (signals_is_ending(signo))
			return true;
	}
	return false;
}

/* Waits for the hook's end. Returns NULL, or why it was killed. */
static const char *hook_wait(struct child *child, const struct config_hook *hook, int signal_fd)
{
	int64_t deadline = hook->timeout_s ? child_now_ms() + (int64_t)hook->timeout_s * 1000 : 0;
	const char *why = NULL;

	while (!child->ended && !why) {
		struct pollfd fds[3] = {
			{ .fd = child->pidfd, .events = POLLIN },
			{ .fd = child->lines.fd, .events = POLLIN },
			{ .fd = signal_fd, .events = POLLIN },
		};
		int64_t left = deadline - child_now_ms();

		if (deadline && left <= 0)
			why = "took longer than its timeout";
		else if (poll(fds, 3, deadline ? (int)left : -1) > 0 && fds[2].revents &&
			 is_interrupted(signal_fd))
			why = "was interrupted";
		lines_read(&child->lines);
		child_reap(child);
	}
	if (why) /* with all that it started: it leads a process group of its own */
		kill(-child->pid, SIGKILL);
	child_finish(child, 0);
	return why;
}

static int hook_judge(const struct config_hook *hook, const char *kind, const char *why,
		      const struct child *child, struct failure *failure)
{
	const char *last = child->lines.last;
	const char *colon = last[0] ? ": " : "";
	int status = child->wait_status;

	if (why)
		return failure_set(failure, -ETIMEDOUT, "%s hook %s %s%s%s", kind, hook->path, why,
				   colon, last);
	if (WIFSIGNALED(status))
		return failure_set(failure, -EIO, "%s hook %s was killed by signal %d%s%s", kind,
				   hook->path, WTERMSIG(status), colon, last);
	if (WEXITSTATUS(status) != 0)
		return failure_set(failure, -EIO, "%s hook %s failed with status %d%s%s", kind,
				   hook->path, WEXITSTATUS(status), colon, last);
	return 0;
}

static int hook_run(struct container_config *config, const struct config_hook *hook,
		    const char *kind, int stdin_fd, const char *dir, struct hooks_place place,
		    struct failure *failure)
{
	struct child child = CHILD_NONE(hook->path);
	struct failure found = { .text = "" };
	struct spawn spawn;
	const char *why;
	int err;

	spawn_begin(&spawn, &config->arena, hook->path,
		    hook->args.n > 0 ? hook->args.v[0] : hook->path);
	for (size_t i = 1; i < hook->args.n; i++)
		spawn_arg(&spawn, hook->args.v[i]);
	/* as with runc and crun: a hook that says nothing of it has ours */
	spawn.env = hook->env;
	for (char **variable = environ; !hook->has_env && variable && *variable; variable++)
		string_list_add(&config->arena, &spawn.env, *variable);
	spawn.std[0] = stdin_fd;
	spawn.dir = dir;
	spawn.mount_ns = place.mount_ns;
	spawn.net_ns = place.net_ns;
	err = child_start(&child, &spawn, &found);
	if (err)
		return failure_set(failure, err, "%s hook %s", kind, found.text);
	why = hook_wait(&child, hook, place.signal_fd);
	return hook_judge(hook, kind, why, &child, failure);
}

/* Runs one hook, with a standard input of its own. */
static int hook_run_with(struct container_config *config, enum config_hook_kind kind, size_t i,
			 const struct state *state, enum state_status status,
			 struct hooks_place place, struct failure *failure)
{
	const struct config_hook *hook = &config->hooks[kind].v[i];
	const char *name = config_hook_name(kind);
	autoclose int stdin_fd = stdin_make(state, status);

	if (stdin_fd < 0)
		return failure_set(failure, stdin_fd, "%s hook %s: %s", name, hook->path,
				   strerror(-stdin_fd));
	return hook_run(config, hook, name, stdin_fd, state->bundle, place, failure);
}

int hooks_run(struct container_config *config, enum config_hook_kind kind,
	      const struct state *state, enum state_status status, struct hooks_place place,
	      struct failure *failure)
{
	int err = 0;

	for (size_t i = 0; i < config->hooks[kind].n && !err; i++)
		err = hook_run_with(config, kind, i, state, status, place, failure);
	return err;
}

int hooks_time_ms(const struct container_config *config, enum config_hook_kind kind)
{
	const struct config_hooks *hooks = &config->hooks[kind];
	uint64_t sum = 0;

	for (size_t i = 0; i < hooks->n; i++) {
		if (hooks->v[i].timeout_s == 0)
			return INT_MAX;
		sum += (uint64_t)hooks->v[i].timeout_s * 1000;
	}
	return sum < INT_MAX ? (int)sum : INT_MAX;
}

void hooks_run_poststop(struct container_config *config, const struct state *state, int signal_fd)
{
	for (size_t i = 0; i < config->hooks[HOOK_POSTSTOP].n; i++) {
		struct failure failure = { .text = "" };

		if (hook_run_with(config, HOOK_POSTSTOP, i, state, STATE_STOPPED,
				  HOOKS_HERE(signal_fd), &failure) != 0)
			report_warning("%s", failure.text);
	}
}

int hooks_read(struct container_config *config, const struct state *state, struct failure *failure)
{
	return config_read_hooks_alone(config, state->hooks, failure);
}
