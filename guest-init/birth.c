/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a session begins: plan -> the process is made or joins -> it is held before its exec ->
 * START -> the exec. Every step is taken when the host or the process says so; none is waited for.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "container.h"
#include "ends.h"
#include "kernel.h"
#include "oom.h"
#include "session_impl.h"
#include "setup.h"

void birth_start_if_ready(struct session *s)
{
	if (s->state != SESSION_HELD || !s->start_asked || s->process < 0)
		return;
	s->state = SESSION_STARTING;
	(void)setup_tell(s->setup.fd, SETUP_START); /* if it is gone, its end is on its way */
}

/* The process is ready for exec: `pid` is it, `master` its terminal's or -1. Takes master. */
static void process_held(struct session *s, pid_t pid, int master)
{
	struct report r;
	int err;

	s->process = pid;
	s->process_fd = kernel_pidfd_open(pid);
	err = s->process_fd < 0 ? s->process_fd : 0;
	if (master >= 0) {
		err = fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0
			      ? -errno
			      : pump_set_local(&s->pumps[STREAM_TTY], PUMP_TTY, master);
		if (err < 0)
			close(master);
	}
	if (err < 0)
		report_set(&r, FAILED_NACRE, -err, "process of the container");
	else
		err = container_finish(s->container, &s->plan, pid, &r);
	free(s->plan_buf);
	s->plan_buf = NULL;
	if (err < 0) {
		session_send_failed(s, &r);
		return;
	}
	s->container->made = true;
	s->state = SESSION_HELD;
	session_send(s, MSG_CREATED, NULL, 0);
	if (!s->joined) {
		clock_ask(s);
		oom_watch(s);
	}
	birth_start_if_ready(s);
}

/* The channel is closed: by the exec, or by a death that will be reported on its own. */
static void setup_closed(struct session *s)
{
	loop_close(&s->setup);
	if (s->state != SESSION_STARTING || s->failed)
		return;
	s->state = SESSION_RUNNING;
	session_send(s, MSG_STARTED, NULL, 0);
}

void birth_read_setup(struct session *s)
{
	while (s->setup.fd >= 0) {
		struct setup_message m;
		pid_t pid;
		int passed, r = setup_receive(s->setup.fd, &m, &pid, &passed);

		if (r == 0)
			return;
		if (r == 1 && m.type == SETUP_HELD && s->state == SESSION_MAKING &&
		    s->process < 0) {
			process_held(s, pid, passed);
			continue;
		}
		if (passed >= 0)
			close(passed);
		if (r == 1 && m.type == SETUP_FAILED)
			session_send_failed(s, &m.report);
		else
			setup_closed(s);
	}
}

void birth_setup_ready(void *owner, uint32_t events)
{
	(void)events;
	birth_read_setup(owner);
}

/* Init's ends of pipes go to the pumps, the set-up channel to the loop. 0 or -errno. */
static int take_ends(struct session *s, struct process_ends *ends)
{
	int r = 0;

	s->status_fd = ends->status_fd;
	s->setup.fd = ends->setup_fd;
	s->notify.fd = ends->notify_fd;
	for (unsigned int i = 0; i < 3; i++) {
		if (r == 0 && ends->stdio[i] >= 0)
			r = pump_set_local(&s->pumps[i], i == 0 ? PUMP_IN : PUMP_OUT,
					   ends->stdio[i]);
		if (r == 0)
			ends->stdio[i] = -1;
	}
	for (unsigned int i = 0; i < PROTO_PRESERVED_MAX && r == 0 && ends->fds[i] >= 0; i++) {
		r = pump_set_local(&s->pumps[STREAM_PRESERVED + i],
				   ends_pump_kind(&s->plan, i), ends->fds[i]);
		if (r == 0)
			ends->fds[i] = -1;
	}
	ends->notify_fd = -1;
	ends->setup_fd = -1;
	ends->status_fd = -1;
	ends_close(ends);
	return r < 0 ? r : loop_watch(&s->setup, EPOLLIN);
}

/* The plan's process as the first of a new container, or as one more of a running one. */
static bool make_process(struct session *s, struct process_ends *ends, struct report *r)
{
	if (!s->joined) {
		s->container = container_make(s->number, &s->plan, ends, r);
		s->child = s->container ? s->container->init : -1;
	} else {
		s->container = container_join(s->number, &s->plan, ends, &s->child, r);
	}
	return s->container != NULL;
}

int birth_begin(struct session *s, enum plan_kind kind)
{
	struct process_ends ends;
	const char *why;
	struct report r;

	s->joined = kind == PLAN_OF_PROCESS;
	s->plan_buf = s->in.plan;
	s->in.plan = NULL;
	if (s->surplus) {
		report_set(&r, FAILED_NACRE, 0, "there are %d processes that were started from outside "
			   "already, as many as a virtual machine takes", SESSIONS_MAX);
		session_send_failed(s, &r);
		return 0;
	}
	if (plan_decode(&s->plan, kind, s->plan_buf, s->in.body_len, &why) < 0) {
		report_set(&r, FAILED_NACRE, 0, "plan: %s", why);
		session_send_failed(s, &r);
		return 0;
	}
	s->state = SESSION_MAKING;
	if (make_process(s, &ends, &r)) {
		if (take_ends(s, &ends) == 0)
			return 0;
		report_set(&r, FAILED_NACRE, ENOMEM, "session");
	}
	session_send_failed(s, &r);
	return 0;
}
