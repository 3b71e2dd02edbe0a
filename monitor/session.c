/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session; see session.h. One poll loop in the main thread; streams.c has threads of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "end_text.h"
#include "nacre_link.h"
#include "protocol.h"
#include "relay.h"
#include "session.h"
#include "streams.h"
#include "witness.h"

#define STATUS_FAILED 125
/* How long the VMM may take from closing our connection to writing why. */
#define STATUS_WAIT_MS 200
/* How long VMM and file broker may take to end once the process has. */
#define COMPANIONS_WAIT_MS 2000
/* How long the witness may take until the host shows what the guest told. */
#define WITNESS_WAIT_MS 10000
/*
 * A kill costs the host as much memory as the container may still take: after so many at once, one in
 * so many seconds is shown. Engines ask whether there was one.
 */
#define WITNESS_BURST	 8u
#define WITNESS_PERIOD_S 10
/* Messages of the guest that are taken before anybody else has his turn. */
#define TURN_MESSAGES 64

static struct {
	struct options options;
	struct protocol protocol;
	struct resolver resolver;
	bool has_resolver;
	struct protocol_random random;
	int signal_fd;
	int clock_fd; /* readable when the host's clock was set */
	int outputs_fd; /* of streams_prepare(); -1 before */
	int witness_fd; /* -1: none */
	bool oom_told;		    /* OOM came, once at least */
	bool witness_busy;	    /* with one of them */
	unsigned int witness_tokens; /* kills that may still be shown */
	time_t witness_refilled;    /* seconds of the monotonic clock */
	bool more; /* the guest has said more than one turn took */
	bool detached; /* DETACH came: nacre's end of the socket may close */
	bool started;
	bool exited; /* EXITED came: only output is left to write */
	bool has_termios;
	struct termios termios; /* of our standard input, as we found it */
} session = { .signal_fd = -1, .clock_fd = -1, .outputs_fd = -1, .witness_fd = -1,
	      .witness_tokens = WITNESS_BURST };

/*
 * A timer that never expires, but is cancelled each time that the clock is set: timerfd_create(2)
 * "TFD_TIMER_CANCEL_ON_SET".
 */
static int clock_watch(void)
{
	const struct itimerspec never = { .it_value = { .tv_sec = INT64_C(1) << 33 } };
	int fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0 && timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
				       NULL) < 0)
		return -errno;
	return fd;
}

int session_prepare(const struct options *options, int witness_fd)
{
	/* SIGCHLD is our own business; KILL and STOP are nobody's */
	uint64_t mask = ~(UINT64_C(1) << (SIGCHLD - 1));

	session.options = *options;
	session.witness_fd = witness_fd;
	session.signal_fd = (int)syscall(SYS_signalfd4, -1, &mask, sizeof(mask),
					 SFD_CLOEXEC | SFD_NONBLOCK);
	session.clock_fd = options->joins == 1 || options->sandbox == 1 ? -1 : clock_watch();
	if (session.signal_fd < 0)
		return -errno;
	if (session.clock_fd > session.options.highest_fd)
		session.options.highest_fd = session.clock_fd;
	if (session.signal_fd > session.options.highest_fd)
		session.options.highest_fd = session.signal_fd;
	if (getrandom(&session.random, sizeof(session.random), 0) != (ssize_t)sizeof(session.random))
		return -EIO;
	session.has_termios = options->tty_fd >= 0 &&
			      tcgetattr(STDIN_FILENO, &session.termios) == 0;
	return 0;
}

int session_prepare_network(void)
{
	int err;

	if (session.options.joins == 1 || session.options.net_ns_fd < 0)
		return 0;
	err = resolver_prepare(&session.resolver);
	for (int i = 0; i < RESOLVE_TRANSPORT_COUNT && !err; i++) {
		if (session.resolver.fd[i] > session.options.highest_fd)
			session.options.highest_fd = session.resolver.fd[i];
	}
	session.has_resolver = !err;
	return err;
}

unsigned int session_highest_fd(void)
{
	return (unsigned int)session.options.highest_fd;
}

/* Ends by the signal, so that whoever waits for us sees what it would see of the process. */
static void __attribute__((noreturn)) die_by(int signo)
{
	uint64_t none = 0;
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigaction(signo, &action, NULL);
	kill(getpid(), signo);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
	_exit(128 + signo); /* the signal does not end a process by default */
}

/* Ends with one line for the user: through nacre before the process was started, else the log. */
static void __attribute__((noreturn)) fail(int status, const char *text)
{
	if (session.started || session.options.sync_fd < 0)
		link_log(session.options.log_fd, text);
	else
		link_failed(session.options.sync_fd, status, text);
	/* our status is the container's: what else stands there is nacre's alone to know */
	status &= (int)~MONITOR_STATUS_LOST;
	_exit(status == FAILED_HOOK ? FAILED_NACRE : status);
}

static void __attribute__((noreturn)) fail_broken(void)
{
	char text[256] = "the guest broke the control protocol with ";

	strncat(text, session.protocol.broken, sizeof(text) - strlen(text) - 1);
	fail(STATUS_FAILED, text);
}

/* The VM is gone. Why, stands in its status file, or will in a moment. */
static void __attribute__((noreturn)) fail_lost(void)
{
	const struct timespec step = { .tv_nsec = 10L * 1000 * 1000 };
	struct pollfd outputs = { .fd = session.outputs_fd, .events = POLLIN };
	struct vm_status status;
	bool known = end_text_read(session.options.status_fd, &status);
	char text[1536];

	for (int i = 0; i < STATUS_WAIT_MS / 10 && !known; i++) {
		nanosleep(&step, NULL);
		known = end_text_read(session.options.status_fd, &status);
	}
	/* what the process wrote before comes out before the line that ends it */
	if (session.started)
		poll(&outputs, 1, STATUS_WAIT_MS);
	/* why the VM ended is the container's monitor's to say; callers look for these words (exec) */
	if (session.options.joins == 1 && !session.started)
		fail(STATUS_FAILED, "container not running");
	end_text_compose(text, sizeof(text), known ? &status : NULL);
	fail(STATUS_FAILED | (int)MONITOR_STATUS_LOST, text);
}

/* nacre is gone, and with it whoever waits for the container: everything ends. */
static void __attribute__((noreturn)) end_orphaned(void)
{
	if (session.has_termios)
		tcsetattr(STDIN_FILENO, TCSANOW, &session.termios);
	_exit(STATUS_FAILED); /* closes the connections; VMM and guest see it */
}

static void wait_for(int fd, int most_ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	if (fd >= 0)
		poll(&wait, 1, most_ms);
}

static bool take_witness_token(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - session.witness_refilled >= WITNESS_PERIOD_S) {
		session.witness_refilled = now.tv_sec;
		if (session.witness_tokens < WITNESS_BURST)
			session.witness_tokens++;
	}
	if (session.witness_tokens == 0)
		return false;
	session.witness_tokens--;
	return true;
}

/* The guest's kernel killed for want of memory; what the witness is busy with counts for it, too. */
static void on_oom(void)
{
	session.oom_told = true;
	if (session.witness_fd < 0 || session.witness_busy || !take_witness_token())
		return;
	session.witness_busy = true;
	witness_ask(session.witness_fd);
}

static void on_witness(void)
{
	char answer;

	session.witness_busy = false;
	if (read(session.witness_fd, &answer, 1) == 1)
		return;
	link_log(session.options.log_fd, "the host's memory.events will not show when the container "
		 "has run out of memory: the process that sees to it has ended");
	close(session.witness_fd);
	session.witness_fd = -1;
}

/*
 * Whoever waits for us may take the container's files away or use them anew: first nobody else has
 * them open. The guest ends when our side of its last connection is closed (proto.h), not before.
 */
static void finish(void)
{
	close(session.protocol.fd);
	if (session.witness_busy)
		wait_for(session.witness_fd, WITNESS_WAIT_MS);
	wait_for(session.options.vmm_pidfd, COMPANIONS_WAIT_MS);
	wait_for(session.options.fsd_alive_fd, COMPANIONS_WAIT_MS);
	if (session.protocol.exited_by_signal)
		die_by(session.protocol.exited_value);
	_exit(session.protocol.exited_value);
}

static void on_started(void)
{
	streams_start();
	session.started = true;
	/* before anybody hears of it: what `nacre state` says is never behind */
	if (session.options.started_fd >= 0 && write(session.options.started_fd, "1", 1) != 1)
		link_log(session.options.log_fd, "nacre-monitor cannot note that the process runs");
	link_say(session.options.sync_fd, MONITOR_STARTED);
}

static void on_control(void)
{
	session.more = false;
	for (int i = 0; i < TURN_MESSAGES; i++) {
		switch (protocol_receive(&session.protocol)) {
		case PROTOCOL_NOTHING:
			return;
		case PROTOCOL_EVENT_CREATED:
			link_say(session.options.sync_fd, MONITOR_READY);
			break;
		case PROTOCOL_EVENT_STARTED:
			on_started();
			break;
		case PROTOCOL_EVENT_FAILED:
			fail(session.protocol.failed_code, session.protocol.failed_text);
		case PROTOCOL_EVENT_OOM:
			on_oom();
			break;
		case PROTOCOL_EVENT_NOTIFY:
			if (session.options.notify_fd >= 0 && session.protocol.notify_len > 0)
				notify_send(session.options.notify_fd, session.protocol.notify_text,
					    session.protocol.notify_len);
			break;
		case PROTOCOL_EVENT_EXITED:
			session.exited = true;
			/* one that came together with the end */
			if (session.protocol.exited_flags & EXITED_OOM_KILLED && !session.oom_told)
				on_oom();
			return; /* nothing that comes behind it counts */
		case PROTOCOL_EVENT_BROKEN:
			fail_broken();
		case PROTOCOL_EVENT_CLOSED:
			fail_lost();
		case PROTOCOL_EVENT_MORE:
			session.more = true;
			return;
		}
	}
	session.more = true;
}

/* As the pause program, which a PID 1 is in a pod: what it does not handle does nothing. */
static void sandbox_signal(int signo)
{
	if (signo == SIGTERM || signo == SIGINT)
		_exit(0);
}

static void on_signal(void)
{
	struct signalfd_siginfo info;
	struct winsize size;

	while (read(session.signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int signo = (int)info.ssi_signo;

		if (signo == SIGPIPE && info.ssi_pid == (uint32_t)getpid())
			continue; /* our own write, to where nobody reads */
		if (session.options.sandbox == 1) {
			sandbox_signal(signo);
			continue;
		}
		if (signo == SIGWINCH && session.options.tty_fd >= 0) {
			if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
				protocol_want_winsize(&session.protocol, &size);
			continue;
		}
		protocol_want_signal(&session.protocol, signo);
	}
}

static void link_close(void)
{
	close(session.options.sync_fd);
	session.options.sync_fd = -1;
}

static void on_nacre(void)
{
	static struct monitor_packet packet;

	switch (link_receive(session.options.sync_fd, &packet)) {
	case LINK_START:
		if (session.has_resolver && le32_get(packet.status) & MONITOR_START_RESOLVER)
			session.protocol.resolver = &session.resolver;
		if (session.options.sandbox == 1 && !session.started)
			on_started();
		else
			protocol_want_start(&session.protocol, packet.text,
					    le32_get(packet.text_len));
		break;
	case LINK_DETACH:
		session.detached = true;
		break;
	case LINK_NOTHING:
		break;
	case LINK_CLOSED:
		if (!session.started && !session.detached)
			end_orphaned();
		link_close();
		break;
	}
}

static void on_clock(void)
{
	uint64_t n;

	if (read(session.clock_fd, &n, sizeof(n)) < 0 && errno == ECANCELED)
		protocol_want_clock_hint(&session.protocol);
}

/* A `nacre start`, one at a time. */
static void on_listener(void)
{
	session.options.sync_fd = accept4(session.options.listener_fd, NULL, NULL, SOCK_CLOEXEC);
}

static int streams_make(void)
{
	const struct options *options = &session.options;
	bool tty = options->tty_fd >= 0;
	const struct streams streams = {
		.in_fd = tty ? options->tty_fd : options->stdin_fd,
		.out_fd = tty ? options->tty_fd : options->stdout_fd,
		.err_fd = tty ? -1 : options->stderr_fd,
		.is_tty = tty,
		.null_fd = options->null_fd,
		.err_has_lines = options->log_fd < 0,
		.preserved_fds = options->preserved_fds,
		.preserved_links = options->preserved_links,
		.n_preserved = options->n_preserved,
	};

	session.outputs_fd = streams_prepare(&streams);
	return session.outputs_fd < 0 ? session.outputs_fd : 0;
}

static int hellos_send(void)
{
	const struct options *options = &session.options;
	uint32_t container = (uint32_t)options->container;
	const struct {
		int fd;
		enum msg_stream stream;
	} connections[] = {
		{ options->stdin_fd, STREAM_STDIN },
		{ options->stdout_fd, STREAM_STDOUT },
		{ options->stderr_fd, STREAM_STDERR },
		{ options->tty_fd, STREAM_TTY },
	};
	enum msg_type type = options->joins == 1 ? MSG_EXEC : MSG_PLAN;
	int err = protocol_begin(&session.protocol, options->control_fd, container, type,
				 options->plan_fd, &session.random);

	for (size_t i = 0; i < sizeof(connections) / sizeof(connections[0]) && !err; i++) {
		if (connections[i].fd >= 0)
			err = protocol_hello_stream(connections[i].fd, container,
						    connections[i].stream, session.random.token);
	}
	for (int i = 0; i < options->n_preserved && !err; i++)
		err = protocol_hello_stream(options->preserved_links[i], container,
					    (enum msg_stream)(STREAM_PRESERVED + i),
					    session.random.token);
	return err;
}

void session_begin(void)
{
	int err;

	if (session.options.sandbox == 1) { /* its namespaces are all there is to make */
		session.protocol.fd = -1;
		link_say(session.options.sync_fd, MONITOR_READY);
		return;
	}
	err = streams_make();

	if (err)
		fail(STATUS_FAILED, "nacre-monitor cannot start its threads");
	err = hellos_send();
	if (err == -EPIPE || err == -ECONNRESET)
		fail_lost();
	if (err)
		fail(STATUS_FAILED, "nacre-monitor cannot begin the session");
}

/* Waits for a `nacre start` only while the process is held and no other one is there. */
static int listener_wanted(void)
{
	bool wanted = session.detached && !session.started && session.options.sync_fd < 0;

	return wanted ? session.options.listener_fd : -1;
}

enum {
	POLL_CONTROL,
	POLL_SIGNAL,
	POLL_NACRE,
	POLL_LISTENER,
	POLL_LIFELINE,
	POLL_OUTPUTS,
	POLL_CLOCK,
	POLL_WITNESS,
	POLL_RESOLVER, /* one for each transport */
	POLL_RESOLVER_LAST = POLL_RESOLVER + RESOLVE_TRANSPORT_COUNT - 1,
	POLL_COUNT
};

void session_run(void)
{
	for (;;) {
		struct pollfd fds[POLL_COUNT] = {
			[POLL_CONTROL] = { session.exited ? -1 : session.protocol.fd,
					   protocol_poll_events(&session.protocol), 0 },
			[POLL_SIGNAL] = { session.signal_fd, POLLIN, 0 },
			[POLL_NACRE] = { session.options.sync_fd, POLLIN, 0 },
			[POLL_LISTENER] = { listener_wanted(), POLLIN, 0 },
			[POLL_LIFELINE] = { session.options.lifeline_fd, POLLIN, 0 },
			[POLL_CLOCK] = { session.clock_fd, POLLIN, 0 },
			[POLL_WITNESS] = { session.witness_fd, POLLIN, 0 },
			[POLL_OUTPUTS] = { session.exited ? session.outputs_fd : -1, POLLIN, 0 },
		};

		relay_poll(&fds[POLL_RESOLVER], session.exited ? NULL : session.protocol.resolver,
			   &session.protocol);
		if (poll(fds, POLL_COUNT, session.more ? 0 : -1) < 0 && errno != EINTR)
			fail(STATUS_FAILED, "nacre-monitor cannot wait");
		if (fds[POLL_LIFELINE].revents)
			end_orphaned();
		if (fds[POLL_NACRE].revents)
			on_nacre();
		if (fds[POLL_LISTENER].revents)
			on_listener();
		if (fds[POLL_SIGNAL].revents)
			on_signal();
		if (fds[POLL_CLOCK].revents)
			on_clock();
		if (fds[POLL_WITNESS].revents)
			on_witness();
		if (!session.exited &&
		    (session.more || fds[POLL_CONTROL].revents & (POLLIN | POLLHUP | POLLERR)))
			on_control();
		if (!session.exited)
			protocol_send(&session.protocol);
		if (!session.exited && session.protocol.resolver)
			relay_answers(session.protocol.resolver, &session.protocol);
		if (fds[POLL_OUTPUTS].revents)
			finish();
	}
}
