/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trial of a template: a container begins as its copy, runs /bin/true of the built-in root file system, and notes in
 * the template which pages of memory it wrote to (vmm/template_hot.h). In a child: a run takes the caller's streams
 * and signals.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "creation.h"
#include "creation_parts.h"
#include "fd.h"
#include "report.h"
#include "run_config.h"

#define TRIAL_PROGRAM "/bin/true"
/* For the container to be made and to run, in a slow guest. */
#define TRIAL_EXTRA_MS 60000

int creation_configure_own(struct creation *creation, const struct creation *other)
{
	struct run_options run = { .rootfs = other->companions.rootfs, .read_only = true };
	char *const argv[] = { TRIAL_PROGRAM, NULL };

	creation->conf = other->conf;
	creation->conf.make_templates = false;
	creation->conf.vhost_net = false;
	creation->companions = other->companions;
	creation->is_rootless = other->is_rootless;
	return run_config_make(&creation->config, &run, 1, argv, &creation->failure);
}

/* All but the template, which has no name yet. */
static int prepare(struct creation *trial, const struct creation *made, bool net)
{
	int err = creation_configure_own(trial, made);

	if (err)
		return err;
	/* what the caller was given for its own container */
	unsetenv("LISTEN_FDS");
	unsetenv("NOTIFY_SOCKET");
	trial->is_started_later = net; /* its one interface is to come, and does not */
	trial->conf.templates = "/"; /* where none is */
	err = creation_prepare(trial, false);
	trial->state.size = made->state.size;
	return err;
}

static int run(struct creation *trial, int template_fd)
{
	struct launch *launch = &trial->launch;
	bool is_copy = false;
	int status;

	launch->template_fd = fcntl(template_fd, F_DUPFD_CLOEXEC, 0);
	launch->note_fd = fcntl(template_fd, F_DUPFD_CLOEXEC, 0);
	for (size_t i = 0; i < sizeof(launch->std) / sizeof(launch->std[0]); i++)
		launch->std[i] = -1;
	if (creation_start(trial, false) == 0 && session_reach(&trial->session, SESSION_RUNNING)) {
		is_copy = !creation_has_booted(trial);
		if (creation_started(trial))
			session_reach(&trial->session, SESSION_OVER);
	}
	status = creation_undo(trial);
	drop_fd(&launch->note_fd);
	if (status == 0 && !is_copy)
		return failure_set(&trial->failure, -ENODEV, "template: its copy has booted");
	return status == 0 ? 0 : failure_set(&trial->failure, -EIO, "template: a copy of it that runs "
					     TRIAL_PROGRAM " ended with status %d", status);
}

struct try {
	const struct creation *made;
	int template_fd;
	bool net;
};

static int try_here(void *ctx, struct failure *failure)
{
	static struct creation trial;
	const struct try *try = ctx;
	int err;

	creation_init(&trial, try->made->global, try->made->options);
	err = prepare(&trial, try->made, try->net);
	if (!err)
		err = run(&trial, try->template_fd);
	*failure = trial.failure;
	return err;
}

int creation_try_template(struct creation *made, int template_fd, bool net)
{
	struct try try = { made, template_fd, net };

	return creation_in_child(try_here, &try, made->launch.boot_timeout_ms + TRIAL_EXTRA_MS,
				 &made->failure);
}

static void __attribute__((noreturn)) work_here(creation_work *work, void *ctx, pid_t parent, int why_fd)
{
	struct failure failure = { .text = "" };
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	report_silence();
	err = work(ctx, &failure);
	if (err && write(why_fd, failure.text, strlen(failure.text)) < 0)
		_exit(2);
	_exit(err ? 1 : 0);
}

/* What the child says until it ends. False: it has not until the deadline. */
static bool hear(int fd, char *text, size_t room, int64_t deadline_ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	text[0] = '\0';
	while (len < room - 1) {
		int64_t left = deadline_ms - child_now_ms();
		ssize_t n;

		if (left <= 0 || poll(&wait, 1, (int)left) == 0)
			return false;
		n = read(fd, text + len, room - 1 - len);
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		len += n > 0 ? (size_t)n : 0;
		text[len] = '\0';
	}
	return true;
}

int creation_in_child(creation_work *work, void *ctx, int ms, struct failure *failure)
{
	char why[FAILURE_TEXT_MAX];
	pid_t pid, parent = getpid();
	int status = -1, fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return failure_set(failure, -errno, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		work_here(work, ctx, parent, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return failure_set(failure, -EAGAIN, "fork: no process for a template");
	}
	/* with it dies what it has begun: its children, and by their lifelines the companions */
	if (!hear(fds[0], why, sizeof(why), child_now_ms() + ms))
		kill(pid, SIGKILL);
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0)
		return 0;
	return failure_set(failure, -EIO, "%s", why[0] ? why : "template: its making was ended");
}
