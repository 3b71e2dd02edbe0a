/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a container as a waiting nacre sees it; see session.h. One loop over the signal
 * descriptor, the monitor's socket, three pidfds and the pipes of the companions' lines. What is
 * read from the monitor is a checked packet; its text was sanitized there and is again when it is
 * reported.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fd.h"
#include "hooks.h"
#include "monitorwire.h"
#include "net_late.h"
#include "report.h"
#include "session.h"
#include "signals.h"
#include "timing.h"

/* How long VMM and file broker may take to end once the monitor has. */
#define GRACE_MS 1000
/* Beyond the boot timeout, which is the VMM's: mounts of the container, in a slow guest. */
#define READY_EXTRA_MS 30000

static void session_fail(struct session *session, int status)
{
	session->phase = SESSION_OVER;
	session->status = status;
}

static void signal_forward(struct session *session, int signo)
{
	const struct child *monitor = &session->launch->monitor;

	if (signo == SIGCONT)
		terminal_set_raw_again(&session->terminal);
	if (!monitor->ended)
		pidfd_send_signal(monitor->pidfd, signo, NULL, 0);
}

static void on_signal(struct session *session)
{
	int signo;

	while ((signo = signals_next(session->signal_fd)) > 0) {
		if (session->phase == SESSION_RUNNING)
			signal_forward(session, signo);
		else if (session->phase != SESSION_OVER && signals_is_ending(signo))
			session_fail(session, 128 + signo);
		else
			session->early_signals |= UINT64_C(1) << (signo - 1);
	}
}

/* What START is to say of the network. 0, or -errno with the failure set. */
static int tell_network(const struct session *session, struct monitor_packet *start)
{
	const struct launch *launch = session->launch;

	/* who joins a container finds its network as it is, and a pod's is its member's to join */
	if (!launch->makes_container || launch->sandbox)
		return 0;
	if (!launch->n_to_come)
		return net_late_tell(launch->state, launch->config->net_ns_fd, start,
				     session->failure);
	return net_late_attach(launch->state, start, &launch->config->arena, session->failure);
}

/* Lets the process go. The terminal is set last: warnings of the network are lines. */
static void session_start(struct session *session)
{
	struct monitor_packet packet = { .type = le32_of(MONITOR_START) };

	if (tell_network(session, &packet) != 0 ||
	    (session->with_terminal &&
	     terminal_set_raw(&session->terminal, session->failure) != 0)) {
		session_fail(session, SESSION_STATUS_NACRE);
		return;
	}
	/* a monitor that is gone shows in its pidfd */
	session->phase = SESSION_STARTING;
	if (send(session->launch->sync_fd, &packet,
		 offsetof(struct monitor_packet, text) + le32_get(packet.text_len), MSG_NOSIGNAL) < 0)
		report_debug("nacre-monitor: %s", strerror(errno));
}

/*
 * The monitor has the caller's streams now. Held here, too, they would keep a reader from seeing
 * the end of the process' output, and a writer from seeing that nobody reads.
 */
static void streams_release(void)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return;
	dup2(null_fd, STDIN_FILENO);
	dup2(null_fd, STDOUT_FILENO);
	close(null_fd);
}

static void on_ready(struct session *session)
{
	session->phase = SESSION_CREATED;
	timing_stamp(TIMING_READY);
}

static void on_started(struct session *session)
{
	session->phase = SESSION_RUNNING;
	timing_stamp(TIMING_STARTED);
	report_settle();
	if (!session->launch->config->process.terminal && !session->launch->detached)
		streams_release();
	for (int signo = 1; signo <= 64; signo++) {
		if (session->early_signals & UINT64_C(1) << (signo - 1))
			signal_forward(session, signo);
	}
}

static void on_failed(struct session *session, const struct monitor_packet *packet, size_t text_len)
{
	uint32_t status = le32_get(packet->status) & ~MONITOR_STATUS_LOST;

	session->lost_vm = session->phase == SESSION_BOOTING &&
			   (le32_get(packet->status) & MONITOR_STATUS_LOST);
	failure_set(session->failure, -EIO, "%.*s", (int)text_len, packet->text);
	session_fail(session, status >= 125 && status <= 127 ? (int)status : SESSION_STATUS_NACRE);
}

static void on_packet(struct session *session)
{
	struct monitor_packet packet = { .type = le32_of(0) };
	const size_t head = offsetof(struct monitor_packet, text);
	ssize_t n = recv(session->launch->sync_fd, &packet, sizeof(packet), MSG_DONTWAIT);
	size_t text_len = le32_get(packet.text_len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* the monitor's end is closed; its pidfd tells the rest */
		drop_fd(&session->launch->sync_fd);
		return;
	}
	if ((size_t)n < head || text_len > (size_t)n - head) {
		failure_set(session->failure, -EPROTO, "nacre-monitor: unexpected answer");
		session_fail(session, SESSION_STATUS_NACRE);
		return;
	}
	if (le32_get(packet.type) == MONITOR_READY && session->phase == SESSION_BOOTING)
		on_ready(session);
	else if (le32_get(packet.type) == MONITOR_STARTED && session->phase == SESSION_STARTING)
		on_started(session);
	else if (le32_get(packet.type) == MONITOR_FAILED && session->phase < SESSION_RUNNING)
		on_failed(session, &packet, text_len);
}

static void on_monitor_end(struct session *session)
{
	const struct child *monitor = &session->launch->monitor;

	timing_stamp(TIMING_EXITED);
	/* what it sent before it ended comes first */
	if (session->launch->sync_fd >= 0)
		on_packet(session);
	if (session->launch->sync_fd >= 0)
		on_packet(session);
	/* a process that has run and ended has started all the same */
	if (session->phase == SESSION_OVER || session->phase >= session->goal)
		return;
	if (session->phase != SESSION_RUNNING) {
		failure_set(session->failure, -EIO,
			    "nacre-monitor ended before the process started");
		session_fail(session, SESSION_STATUS_NACRE);
		return;
	}
	session->phase = SESSION_OVER;
	session->status = WIFSIGNALED(monitor->wait_status)
				  ? 128 + WTERMSIG(monitor->wait_status)
				  : WEXITSTATUS(monitor->wait_status);
}

/* Until the process runs there is a deadline. */
static int wait_ms(const struct session *session, int64_t deadline)
{
	int64_t left;

	if (session->phase == SESSION_RUNNING)
		return -1;
	left = deadline - child_now_ms();
	if (left <= 0)
		return 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

static void on_timeout(struct session *session)
{
	failure_set(session->failure, -ETIMEDOUT,
		    "the guest did not make the container within %d s",
		    (session->launch->boot_timeout_ms + READY_EXTRA_MS) / 1000);
	session_fail(session, SESSION_STATUS_NACRE);
}

/* Waits for something to happen, and does what it asks for. */
static void session_step(struct session *session, int64_t deadline)
{
	struct launch *launch = session->launch;
	struct child *const children[] = { &launch->monitor, &launch->vmm, &launch->fsd };
	struct pollfd fds[8] = {
		{ .fd = session->signal_fd, .events = POLLIN },
		{ .fd = launch->sync_fd, .events = POLLIN },
	};
	int n;

	for (int i = 0; i < 3; i++) { /* poll() skips -1 */
		fds[2 + i] = (struct pollfd){
			.fd = children[i]->ended ? -1 : children[i]->pidfd,
			.events = POLLIN,
		};
		fds[5 + i] = (struct pollfd){ .fd = children[i]->lines.fd, .events = POLLIN };
	}
	n = poll(fds, 8, wait_ms(session, deadline));
	if (n == 0 && session->phase != SESSION_RUNNING) {
		on_timeout(session);
		return;
	}
	if (fds[0].revents)
		on_signal(session);
	if (fds[1].revents && session->phase != SESSION_OVER)
		on_packet(session);
	for (int i = 0; i < 3; i++) {
		if (fds[5 + i].revents)
			lines_read(&children[i]->lines);
		if (fds[2 + i].revents)
			child_reap(children[i]);
	}
	if (launch->monitor.ended && session->phase != SESSION_OVER)
		on_monitor_end(session);
}

bool session_reach(struct session *session, enum session_phase goal)
{
	int64_t deadline = child_now_ms() + session->launch->boot_timeout_ms + READY_EXTRA_MS;

	session->goal = goal;
	while (session->phase < goal) {
		if (session->phase == SESSION_CREATED) {
			session_start(session);
			if (session->launch->makes_container)
				deadline += hooks_time_ms(session->launch->config,
							  HOOK_START_CONTAINER);
		} else {
			session_step(session, deadline);
		}
	}
	return session->phase == goal;
}

/* Adds to the failure how a companion ended that should not have ended. */
static void explain(struct failure *failure, const struct child *child)
{
	size_t len = strlen(failure->text);
	char *at = failure->text + len;
	size_t room = sizeof(failure->text) - len;
	int status = child->wait_status;

	if (!len || !child->ended || child->killed_by_us)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	/* the VMM's own line is in its status file, and with it in the failure already */
	if (WIFEXITED(status) && (!child->lines.last[0] || strstr(child->lines.last, at - len) ||
				  strcmp(child->name, "nacre-vmm") == 0))
		return;
	if (WIFSIGNALED(status))
		snprintf(at, room, " (%s was killed by signal %d%s%s)", child->name,
			 WTERMSIG(status), child->lines.last[0] ? ": " : "", child->lines.last);
	else
		snprintf(at, room, " (%s)", child->lines.last);
}

void session_begin(struct session *session, struct launch *launch, int signal_fd,
		   bool with_terminal, struct failure *failure)
{
	*session = (struct session){
		.launch = launch,
		.failure = failure,
		.signal_fd = signal_fd,
		.with_terminal = with_terminal,
		.status = SESSION_STATUS_NACRE,
	};
}

int session_end(struct session *session)
{
	struct launch *launch = session->launch;
	struct failure *failure = session->failure;

	terminal_restore(&session->terminal);
	launch_end(launch, GRACE_MS);
	/* what the monitor had to say after the process was started */
	if (launch->monitor.lines.last[0] && session->status == SESSION_STATUS_NACRE)
		failure_set(failure, -EIO, "%s", launch->monitor.lines.last);
	explain(failure, &launch->vmm);
	explain(failure, &launch->fsd);
	return session->status;
}
