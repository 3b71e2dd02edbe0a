/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a session ends: the process has ended -> its output is written out -> the file systems are
 * synced, by a helper that may wait for them -> EXITED -> the host closes -> nothing is left. Every
 * step is taken as soon as the one before it is done and none is waited for in here.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "machine.h"
#include "notify.h"
#include "session_impl.h"

/*
 * How long the host may take to close after the last message, and to bring a stream after the end.
 */
#define GRACE_MS 5000

/*
 * Writes the shared file systems out, in a process of its own: the host's side may be slow. -1: it is
 * done; there was no process to be had, and init has waited itself rather than lose what was written.
 */
static pid_t start_sync(void)
{
	pid_t pid = fork();

	if (pid > 0)
		return pid;
	machine_sync();
	if (pid == 0)
		_exit(0);
	return -1;
}

void ending_begin(struct session *s, int status)
{
	bool signalled = WIFSIGNALED(status);
	struct report r;

	if (!s->joined)
		container_kill(s->container); /* without a pid namespace's help too */
	/* EXITED has a place in the protocol only behind STARTED. */
	if (s->state <= SESSION_HELD && !s->failed && s->container->init < 0 && s->joined) {
		report_set(&r, FAILED_NACRE, 0, "container not running");
		session_send_failed(s, &r);
	} else if (s->state <= SESSION_HELD && !s->failed) {
		report_set(&r, FAILED_NACRE, 0,
			   "the process ended before its start (%s %d)",
			   signalled ? "signal" : "status",
			   signalled ? WTERMSIG(status) : WEXITSTATUS(status));
		session_send_failed(s, &r);
	}
	notify_end(s);
	s->process = -1;
	s->exited.how = le16_of(signalled ? EXITED_SIGNAL : EXITED_CODE);
	s->exited.value = le16_of((uint16_t)(signalled ? WTERMSIG(status) : WEXITSTATUS(status)));
	if (!s->joined && cgroup_number(s->container->cgroup, "memory.events", "oom_kill") > 0)
		s->exited.flags = le32_of(EXITED_OOM_KILLED);
	if (s->state < SESSION_DRAINING)
		s->state = SESSION_DRAINING;
	/* A stream may still be on its way; one that never comes is not waited for. */
	loop_timeout(&s->grace, GRACE_MS);
	for (unsigned int i = 0; i < STREAM_COUNT && s->used; i++)
		pump_process_gone(&s->pumps[i], s->joined);
	ending_advance(s);
}

/* Is everything written out that somebody is there to take? */
static bool is_drained(struct session *s)
{
	for (unsigned int i = 0; i < STREAM_COUNT; i++) {
		struct pump *p = &s->pumps[i];

		if (pump_finished(p))
			continue;
		if (p->sock.fd >= 0 || !s->grace_over)
			return false;
	}
	return true;
}

static void close_pumps(struct session *s)
{
	for (unsigned int i = 0; i < STREAM_COUNT; i++)
		pump_close(&s->pumps[i]);
}

static void release(struct session *s)
{
	close_pumps(s);
	resolver_close(s->resolver);
	loop_cancel(&s->grace);
	loop_cancel(&s->clock);
	loop_close(&s->control);
	loop_close(&s->setup);
	loop_close(&s->oom);
	loop_close(&s->notify);
	wire_in_done(&s->in);
	free(s->plan_buf);
	if (s->status_fd >= 0)
		close(s->status_fd);
	if (s->process_fd >= 0)
		close(s->process_fd);
	if (s->container)
		container_leave(s->container);
	s->used = false;
}

/* The last message, and the time for the host to close. */
static void tell_end(struct session *s)
{
	s->state = SESSION_TOLD;
	if (!s->failed)
		session_send(s, MSG_EXITED, &s->exited, sizeof(s->exited));
	s->grace_over = false;
	loop_timeout(&s->grace, GRACE_MS);
}

void ending_advance(struct session *s)
{
	bool host_gone = s->control.fd < 0;

	if (!s->used)
		return;
	/* Nothing was started, or it failed before: there is nothing to drain. */
	if (!s->container && s->state < SESSION_TOLD && (host_gone || s->failed))
		tell_end(s);
	if (s->state == SESSION_DRAINING) {
		if (host_gone || s->failed)
			close_pumps(s);
		if (!is_drained(s))
			return;
		s->state = SESSION_SYNCING;
		/* The files of one that joined are still in use, and its container's end syncs. */
		s->sync_helper = s->joined ? -1 : start_sync();
	}
	if (s->state == SESSION_SYNCING && s->sync_helper < 0)
		tell_end(s);
	if (s->state == SESSION_TOLD && (s->control.fd < 0 || s->grace_over))
		release(s);
}
