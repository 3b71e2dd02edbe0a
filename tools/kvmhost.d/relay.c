// SPDX-License-Identifier: Apache-2.0
/*
 * relay: runs QEMU and carries a command's streams out of and into its guest.
 *
 * Usage: relay [-v] -t SECONDS [-i SECONDS] [-m SOCKET] -r RESULT [-l LOG] -- QEMU ARG...
 *
 * QEMU finds one end of a socket pair as descriptor CHANNEL_FD (the caller
 * passes "-chardev socket,fd=3,..."), its output goes to LOG.  Our own stdin is
 * sent to the guest, the guest's stdout and stderr come out of ours.  How it
 * ended is written to RESULT as one line: "exit N", "timeout", "idle", "signal N"
 * or "died".  QEMU is killed as soon as the exit status is here, when time is up
 * (-t), when the guest has sent nothing for so long (-i), when we get a signal, and
 * by the kernel should we die ourselves.  Before a guest that hangs is killed, QEMU's
 * monitor (-m) is asked where its processors are, and sends it an NMI, on which its
 * kernel panics and says the same: LOG and the serial log then tell what hung.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "frame.h"

#define CHANNEL_FD	3

static struct {
	int channel;
	pid_t qemu;
	bool verbose;
	bool idle;
	int idle_ms;	/* -1: no limit */
	bool stdin_open;
	uint8_t in[2 * FRAME_HEADER + FRAME_MAX];	/* on its way to the guest */
	size_t in_len, in_off;
	uint8_t close[2];	/* streams whose reader has gone, still to be told */
	bool closed[2];
	struct frame_reader frame;
	struct timespec start;
} r = { .channel = -1, .stdin_open = true, .idle_ms = -1 };

static volatile sig_atomic_t stopped_by;

/* The timer keeps ticking, so that no blocking call outlives the request. */
static void on_signal(int sig)
{
	struct itimerval tick = { .it_interval = { .tv_usec = 200000 },
				  .it_value = { .tv_usec = 200000 } };

	if (!stopped_by)
		stopped_by = sig;
	setitimer(ITIMER_REAL, &tick, NULL);
}

static void die(const char *what)
{
	fprintf(stderr, "kvmhost: %s: %s\n", what, strerror(errno));
	if (r.qemu > 0)
		kill(r.qemu, SIGKILL);
	exit(1);
}

static void catch_signals(void)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGALRM };
	struct sigaction sa = { .sa_handler = on_signal };

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaction(sigs[i], &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
}

static void exec_qemu(char **argv, const char *log, int fd, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	signal(SIGPIPE, SIG_DFL);
	if (setpgid(0, 0) < 0 || null < 0 || out < 0 || dup2(null, 0) < 0 ||
	    dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(1);
	if (fd == CHANNEL_FD)
		fcntl(fd, F_SETFD, 0);
	else if (dup2(fd, CHANNEL_FD) < 0)
		_exit(1);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void start_qemu(char **argv, const char *log)
{
	pid_t self = getpid();
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		die("socketpair");
	r.qemu = fork();
	if (r.qemu < 0)
		die("fork");
	if (r.qemu == 0)
		exec_qemu(argv, log, sv[1], self);
	close(sv[1]);
	r.channel = sv[0];
	fcntl(r.channel, F_SETFL, O_NONBLOCK);
	clock_gettime(CLOCK_MONOTONIC, &r.start);
}

/* Write all of it to stdout (0) or stderr (1); a reader that is gone is noted. */
static void write_stream(int i, const uint8_t *buf, size_t len)
{
	while (len && !r.closed[i]) {
		ssize_t n = write(i ? STDERR_FILENO : STDOUT_FILENO, buf, len);

		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd p = { .fd = i + 1, .events = POLLOUT };

			poll(&p, 1, 1000);
		} else if (errno != EINTR) {
			r.closed[i] = true;
			r.close[i] = i ? FRAME_STDERR : FRAME_STDOUT;
		}
		if (stopped_by)
			return;
	}
}

static void tell_ready(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if (r.verbose)
		fprintf(stderr, "kvmhost: up after %.1f s\n",
			(double)(t.tv_sec - r.start.tv_sec) +
			(double)(t.tv_nsec - r.start.tv_nsec) / 1e9);
}

/* Take one frame from the guest; the exit status, or -1 when it is another. */
static int handle_frame(void)
{
	const uint8_t *data = r.frame.buf + FRAME_HEADER;
	size_t len = frame_len(r.frame.buf);

	r.frame.have = 0;
	switch (r.frame.buf[0]) {
	case FRAME_READY:
		tell_ready();
		return -1;
	case FRAME_STDOUT:
		write_stream(0, data, len);
		return -1;
	case FRAME_STDERR:
		write_stream(1, data, len);
		return -1;
	case FRAME_EXIT:
		return len ? data[0] : 125;
	}
	return -1;
}

/* Queue what stdin has, and at its end the frame that says so. */
static void read_stdin(void)
{
	ssize_t n = read(STDIN_FILENO, r.in + FRAME_HEADER, FRAME_MAX);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		r.stdin_open = false;
		n = 0;
	}
	frame_header(r.in, FRAME_STDIN, (size_t)n);
	r.in_off = 0;
	r.in_len = FRAME_HEADER + (size_t)n;
}

static void queue_close(int i)
{
	frame_header(r.in, FRAME_CLOSE, 1);
	r.in[FRAME_HEADER] = r.close[i];
	r.close[i] = 0;
	r.in_off = 0;
	r.in_len = FRAME_HEADER + 1;
}

static void write_channel(void)
{
	ssize_t n = write(r.channel, r.in + r.in_off, r.in_len - r.in_off);

	if (n > 0)
		r.in_off += (size_t)n;
	if (r.in_off == r.in_len)
		r.in_off = r.in_len = 0;
}

/* Return: the exit status, or -1 when the machine went or we were stopped. */
static int serve(void)
{
	while (!stopped_by) {
		for (int i = 0; i < 2 && !r.in_len; i++)
			if (r.close[i])
				queue_close(i);

		bool want_in = r.stdin_open && !r.in_len;
		struct pollfd p[] = {
			{ .fd = r.channel, .events = (short)(POLLIN | (r.in_len ? POLLOUT : 0)) },
			{ .fd = want_in ? STDIN_FILENO : -1, .events = POLLIN },
		};
		int ret, status;

		ret = poll(p, 2, r.idle_ms);
		if (ret < 0)
			continue;
		if (ret == 0) {
			r.idle = true;
			return -1;
		}
		if (p[1].revents)
			read_stdin();
		if (p[0].revents & POLLOUT)
			write_channel();
		if (!(p[0].revents & (POLLIN | POLLHUP | POLLERR)))
			continue;
		ret = frame_read(&r.frame, r.channel);
		if (ret < 0)
			return -1;
		status = ret ? handle_frame() : -1;
		if (status >= 0)
			return status;
	}
	return -1;
}

/* Reads what the monitor says into the log for some seconds. */
static void copy_answers(int monitor, int log, int seconds)
{
	struct pollfd p = { .fd = monitor, .events = POLLIN };
	char buf[4096];
	ssize_t n;

	while (poll(&p, 1, seconds * 1000) > 0) {
		n = read(monitor, buf, sizeof(buf));
		if (n <= 0 || write(log, buf, (size_t)n) != n)
			return;
	}
}

/* The guest hangs: have QEMU and the guest's kernel say where. */
static void ask_where(const char *path, const char *log)
{
	static const char ask[] = "info registers -a\nnmi\n";
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (s >= 0 && out >= 0 && strlen(path) < sizeof(sa.sun_path)) {
		strcpy(sa.sun_path, path);
		if (connect(s, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
		    write(s, ask, sizeof(ask) - 1) == sizeof(ask) - 1)
			copy_answers(s, out, 10);
	}
	if (s >= 0)
		close(s);
	if (out >= 0)
		close(out);
}

static void write_result(const char *path, int status)
{
	FILE *f = fopen(path, "we");

	if (!f)
		die(path);
	if (status >= 0)
		fprintf(f, "exit %d\n", status);
	else if (stopped_by == SIGALRM)
		fprintf(f, "timeout\n");
	else if (r.idle)
		fprintf(f, "idle\n");
	else if (stopped_by)
		fprintf(f, "signal %d\n", (int)stopped_by);
	else
		fprintf(f, "died\n");
	fclose(f);
}

int main(int argc, char **argv)
{
	struct itimerval limit = { 0 };
	const char *result = NULL, *log = "/dev/null", *monitor = NULL;
	int opt, status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while ((opt = getopt(argc, argv, "+vt:i:m:r:l:")) != -1) {
		switch (opt) {
		case 'v':
			r.verbose = true;
			break;
		case 't':
			limit.it_value.tv_sec = atol(optarg);
			break;
		case 'i':
			r.idle_ms = atoi(optarg) * 1000;
			break;
		case 'm':
			monitor = optarg;
			break;
		case 'r':
			result = optarg;
			break;
		case 'l':
			log = optarg;
			break;
		default:
			return 1;
		}
	}
	if (!result || optind >= argc || limit.it_value.tv_sec <= 0) {
		fprintf(stderr, "usage: relay [-v] -t SECONDS [-i SECONDS] [-m SOCKET] -r RESULT "
				"[-l LOG] -- QEMU ARG...\n");
		return 1;
	}
	catch_signals();
	start_qemu(argv + optind, log);
	setitimer(ITIMER_REAL, &limit, NULL);
	status = serve();
	if (monitor && status < 0 && (r.idle || stopped_by == SIGALRM)) {
		setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
		ask_where(monitor, log);
	}
	kill(r.qemu, SIGKILL);
	while (waitpid(r.qemu, NULL, 0) < 0 && errno == EINTR)
		;
	write_result(result, status);
	return 0;
}
