/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks in the container; see start_hooks.h. The process waits for each; what a hook says on its
 * outputs is read and its last line is told when it fails. Whatever a hook leaves behind stays a child
 * of the container's PID 1. The process itself is not dumpable yet, and keeps its descriptors.
 */
#include "start_hooks.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "creds.h"
#include "exec_path.h"
#include "kernel.h"
#include "setup.h"

#define hook_fail(err, ...) setup_fail_code(FAILED_HOOK, err, __VA_ARGS__)

/* pipe(7) "Pipe capacity" */
#define PIPE_BYTES 65536u

/* The last line of a hook's output that fits a report. */
struct last_line {
	char text[256];
	size_t len;
	bool ended; /* by a newline: the next byte begins another */
};

struct hook {
	const char *path;
	uint32_t timeout_s; /* 0: none */
	char **argv, **envp;
	pid_t pid;
	int pidfd, output; /* read end of a pipe */
	struct last_line line;
};

static void line_add(struct last_line *line, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n') {
			line->ended = true;
			continue;
		}
		if (line->ended)
			line->len = 0;
		line->ended = false;
		if (line->len < sizeof(line->text) - 1)
			line->text[line->len++] = bytes[i];
	}
	line->text[line->len] = 0;
}

/*
 * At most `most` bytes of what there is to read now: a hook that writes without pause, or what it left
 * behind, keeps nobody from its end or its timeout.
 */
static void read_output(struct hook *hook, size_t most)
{
	char bytes[512];
	ssize_t n = -1;

	for (size_t taken = 0; taken < most; taken += (size_t)n) {
		n = read(hook->output, bytes, sizeof(bytes));
		if (n <= 0)
			break;
		line_add(&hook->line, bytes, (size_t)n);
	}
	if (n == 0) { /* nobody has it any more */
		close(hook->output);
		hook->output = -1;
	}
}

/* The state with the pid, as a file, so that nothing waits for a hook that does not read. */
static int make_input(const struct plan *p)
{
	size_t pos = 0;
	const char *state = plan_next_string(p, &pos, PLAN_HOOK_STATE);
	int fd = memfd_create("state", MFD_CLOEXEC);

	if (fd < 0 || dprintf(fd, "{\"pid\":%d,%s", (int)getpid(), state + 1) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		hook_fail(errno, "state for hooks");
	return fd;
}

/* The next `n` strings as a vector; ends with NULL. */
static char **take_strings(struct cursor *body, uint32_t n)
{
	char **v = calloc((size_t)n + 1, sizeof(*v));

	for (uint32_t i = 0; v && i < n; i++) {
		v[i] = strdup(cursor_take_string(body));
		if (!v[i])
			hook_fail(ENOMEM, "hook");
	}
	if (!v)
		hook_fail(ENOMEM, "hook");
	return v;
}

static void free_strings(char **v)
{
	for (size_t i = 0; v[i]; i++)
		free(v[i]);
	free(v);
}

/* In the child. What keeps it from the exec is told as if the hook had said it. */
static _Noreturn void become_hook(const struct plan *p, const struct hook *hook, int input,
				  int output)
{
	struct report r;

	setpgid(0, 0);
	if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
		_exit(FAILED_NACRE);
	/* what was preserved is the process's alone */
	for (int fd = SETUP_PRESERVED_FD; fd < SETUP_FD; fd++)
		close(fd);
	creds_seccomp(p);
	execve(hook->path, hook->argv, hook->envp);
	exec_path_failed(hook->path, errno, &r);
	dprintf(2, "%s\n", r.text);
	_exit((int)r.code);
}

static void start(const struct plan *p, struct hook *hook)
{
	int input = make_input(p), ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 || fcntl(ends[1], F_SETFL, O_WRONLY) < 0)
		hook_fail(errno, "startContainer hook %s", hook->path);
	hook->pid = fork();
	if (hook->pid == 0)
		become_hook(p, hook, input, ends[1]);
	hook->pidfd = hook->pid < 0 ? -errno : kernel_pidfd_open(hook->pid);
	if (hook->pidfd < 0)
		hook_fail(-hook->pidfd, "startContainer hook %s", hook->path);
	setpgid(hook->pid, hook->pid); /* whoever comes first */
	close(input);
	close(ends[1]);
	hook->output = ends[0];
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for its end, and reads what it says meanwhile. */
static void await(struct hook *hook)
{
	struct pollfd fds[2] = { { .fd = hook->pidfd, .events = POLLIN }, { .events = POLLIN } };
	int64_t deadline = now_ms() + (int64_t)hook->timeout_s * 1000;

	while (!fds[0].revents) {
		int64_t left = deadline - now_ms();

		fds[1].fd = hook->output;
		if (hook->timeout_s && left <= 0) {
			kill(-hook->pid, SIGKILL);
			hook_fail(0, "startContainer hook %s took longer than its timeout%s%s",
				  hook->path, hook->line.len ? ": " : "", hook->line.text);
		}
		if (poll(fds, 2, hook->timeout_s ? (int)left : -1) < 0)
			fds[0].revents = 0;
		if (hook->output >= 0)
			read_output(hook, fds[0].revents ? PIPE_BYTES : 1);
	}
}

static void judge(const struct hook *hook)
{
	const char *colon = hook->line.len ? ": " : "";
	int status = 0;

	if (waitpid(hook->pid, &status, 0) != hook->pid)
		hook_fail(errno, "startContainer hook %s", hook->path);
	if (WIFSIGNALED(status))
		hook_fail(0, "startContainer hook %s was killed by signal %d%s%s", hook->path,
			  WTERMSIG(status), colon, hook->line.text);
	if (WEXITSTATUS(status) != 0)
		hook_fail(0, "startContainer hook %s failed with status %d%s%s", hook->path,
			  WEXITSTATUS(status), colon, hook->line.text);
}

static void run(const struct plan *p, struct cursor body, char **process_env)
{
	const struct plan_hook *record = cursor_take(&body, sizeof(*record));
	struct hook hook = {
		.path = cursor_take_string(&body),
		.timeout_s = le32_get(record->timeout_s),
	};
	char **own_env;

	hook.argv = take_strings(&body, le32_get(record->n_args));
	own_env = take_strings(&body, le32_get(record->n_env));
	hook.envp = le32_get(record->inherits) ? process_env : own_env;
	start(p, &hook);
	await(&hook);
	close(hook.pidfd);
	if (hook.output >= 0)
		close(hook.output);
	judge(&hook);
	free_strings(hook.argv);
	free_strings(own_env);
}

void start_hooks_run(const struct plan *p, char **process_env)
{
	struct cursor body;
	size_t pos = 0;

	while (plan_next(p, &pos, PLAN_HOOK, &body))
		run(p, body, process_env);
}
