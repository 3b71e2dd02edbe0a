// SPDX-License-Identifier: Apache-2.0
/*
 * agent: PID 1 of the emulated host, once its root file system is in place.
 *
 * Runs one command, whose arguments, environment and directory it finds in
 * files that kvmhost wrote, carries the three standard streams over the
 * virtio-serial port, reaps orphans, and reports the exit status as the last
 * frame.  The other end then kills the machine; nothing is shut down here.
 *
 * Usage: agent JOBDIR (holds argv, env: NUL-terminated strings; cwd; mode; out: paths
 * of shared directories to be written back, one a line)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "frame.h"

#define PORT_PATH	"/dev/vport0p1"
#define MAX_STRINGS	65536
#define KVM_CREATE_VM	_IO(0xAE, 0x01)	/* linux/kvm.h, which musl has not */
#define KVM_CREATE_VCPU	_IO(0xAE, 0x41)
#define KVM_CREATE_IRQCHIP _IO(0xAE, 0x60)
#define KILLED_AFTER	10	/* seconds; relay normally needs milliseconds */

static struct {
	int port;
	int sig;		/* signalfd for SIGCHLD */
	int in;			/* our end of COMMAND's stdin, -1 when closed */
	int out[2];		/* our ends of its stdout and stderr */
	pid_t pid;
	int status;		/* exit status, -1 while it runs */
	struct frame_reader frame;
	size_t in_off;		/* bytes of the current frame that stdin has */
	bool in_pending;	/* a stdin frame waits to be written */
} a = { .port = -1, .sig = -1, .in = -1, .out = { -1, -1 }, .status = -1 };

static void die(const char *what)
{
	fprintf(stderr, "kvmhost agent: %s: %s\n", what, strerror(errno));
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void send_frame(enum frame_type type, uint8_t *frame, size_t len)
{
	size_t done = 0, total = FRAME_HEADER + len;

	frame_header(frame, type, len);
	while (done < total) {
		ssize_t n = write(a.port, frame + done, total - done);

		if (n < 0 && errno != EINTR)
			die(PORT_PATH);
		if (n > 0)
			done += (size_t)n;
	}
}

/* Read a whole file of NUL-terminated strings into a NULL-terminated vector. */
static char **read_strings(const char *path)
{
	FILE *f = fopen(path, "re");
	char **list = calloc(MAX_STRINGS + 1, sizeof(*list));
	size_t n = 0;

	if (!f || !list)
		die(path);
	while (n < MAX_STRINGS) {
		size_t cap = 0;

		if (getdelim(&list[n], &cap, '\0', f) < 0)
			break;
		n++;
	}
	fclose(f);
	list[n] = NULL;
	return list;
}

static void open_port(void)
{
	for (int i = 0; i < 500; i++) {
		a.port = open(PORT_PATH, O_RDWR | O_CLOEXEC);
		if (a.port >= 0)
			return;
		usleep(10000);
	}
	die(PORT_PATH);
}

/* The child's part: only returns through _exit. */
static void child_exec(int in, int out, int err)
{
	char **argv = read_strings("argv");
	char **env = read_strings("env");
	char **cwd = read_strings("cwd");
	struct rlimit nofile = { .rlim_cur = 1024, .rlim_max = 1048576 };
	sigset_t none;

	if (setsid() < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(126);
	setrlimit(RLIMIT_NOFILE, &nofile);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir(cwd[0]) < 0) {
		fprintf(stderr, "kvmhost: %s: %s (in the emulated host)\n", cwd[0],
			strerror(errno));
		_exit(126);
	}
	environ = env;
	execvp(argv[0], argv);
	fprintf(stderr, "kvmhost: %s: %s (in the emulated host)\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void start_command(void)
{
	int in[2], out[2], err[2];

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		die("pipe");
	a.pid = fork();
	if (a.pid < 0)
		die("fork");
	if (a.pid == 0)
		child_exec(in[0], out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	a.in = in[1];
	a.out[0] = out[0];
	a.out[1] = err[0];
	fcntl(a.in, F_SETFL, O_NONBLOCK);
	fcntl(a.out[0], F_SETFL, O_NONBLOCK);
	fcntl(a.out[1], F_SETFL, O_NONBLOCK);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Write what is left of the current stdin frame; true when it is done with. */
static bool feed_stdin(void)
{
	size_t len = frame_len(a.frame.buf);
	ssize_t n;

	if (len == 0)
		close_fd(&a.in);
	if (a.in < 0)
		return true;
	n = write(a.in, a.frame.buf + FRAME_HEADER + a.in_off, len - a.in_off);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		close_fd(&a.in);
		return true;
	}
	if (n > 0)
		a.in_off += (size_t)n;
	return a.in_off == len;
}

static void handle_frame(void)
{
	switch (a.frame.buf[0]) {
	case FRAME_STDIN:
		a.in_off = 0;
		a.in_pending = !feed_stdin();
		break;
	case FRAME_CLOSE:
		close_fd(&a.out[a.frame.buf[FRAME_HEADER] == FRAME_STDERR]);
		break;
	}
	if (!a.in_pending)
		a.frame.have = 0;
}

/* Pass on one read of stdout (0) or stderr (1); false when nothing was there. */
static bool forward_output(int i)
{
	static uint8_t buf[FRAME_HEADER + FRAME_MAX];
	ssize_t n;

	if (a.out[i] < 0)
		return false;
	n = read(a.out[i], buf + FRAME_HEADER, FRAME_MAX);
	if (n > 0)
		send_frame(i ? FRAME_STDERR : FRAME_STDOUT, buf, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_fd(&a.out[i]);
	return n > 0;
}

static void reap(void)
{
	struct signalfd_siginfo info;
	int ws;
	pid_t pid;

	if (read(a.sig, &info, sizeof(info)) < 0 && errno != EAGAIN)
		die("signalfd");
	while ((pid = waitpid(-1, &ws, WNOHANG)) > 0) {
		if (pid == a.pid)
			a.status = WIFSIGNALED(ws) ? 128 + WTERMSIG(ws) : WEXITSTATUS(ws);
	}
}

static void serve(void)
{
	while (a.status < 0) {
		struct pollfd p[] = {
			{ .fd = a.sig, .events = POLLIN },
			{ .fd = a.in_pending ? -1 : a.port, .events = POLLIN },
			{ .fd = a.in_pending ? a.in : -1, .events = POLLOUT },
			{ .fd = a.out[0], .events = POLLIN },
			{ .fd = a.out[1], .events = POLLIN },
		};

		if (poll(p, 5, -1) < 0 && errno != EINTR)
			die("poll");
		if (p[0].revents)
			reap();
		if (p[1].revents) {
			int ret = frame_read(&a.frame, a.port);

			if (ret < 0) {
				errno = -ret;
				die(PORT_PATH);
			}
			if (ret)
				handle_frame();
		}
		if (p[2].revents && feed_stdin()) {
			a.in_pending = false;
			a.frame.have = 0;
		}
		if (p[3].revents)
			forward_output(0);
		if (p[4].revents)
			forward_output(1);
	}
}

/* Shared directories are written back before the machine is killed. */
static void sync_shares(void)
{
	FILE *f = fopen("out", "re");
	char *line = NULL;
	size_t cap = 0;

	if (!f)
		return;
	while (getline(&line, &cap, f) > 0) {
		int fd;

		line[strcspn(line, "\n")] = '\0';
		fd = open(line, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			syncfs(fd);
			close(fd);
		}
	}
	free(line);
	fclose(f);
}

/*
 * A VM that does nothing, for as long as we live. Without one, the first VM that the command makes and
 * the last that it closes have kernel code patched (static keys of KVM) while other processors run it,
 * and QEMU before 8.1 may go on with a stale translation: an int3 for ever. Its vCPU has a local APIC
 * that nobody enables, which holds one more of these keys. Measurements shall have no such help; they run
 * on one processor.
 */
static void hold_vm(void)
{
	char mode[32] = "";
	FILE *f = fopen("mode", "re");
	int kvm, vm;

	if (f && !fgets(mode, sizeof(mode), f))
		mode[0] = '\0';
	if (f)
		fclose(f);
	if (strncmp(mode, "host", 4) != 0)
		return;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	vm = kvm >= 0 ? ioctl(kvm, KVM_CREATE_VM, 0) : -1;
	if (vm >= 0 && ioctl(vm, KVM_CREATE_IRQCHIP, 0) == 0)
		(void)ioctl(vm, KVM_CREATE_VCPU, 0);
}

int main(int argc, char **argv)
{
	uint8_t frame[FRAME_HEADER + 1];
	sigset_t chld;

	if (argc != 2 || chdir(argv[1]) < 0)
		die("job directory");
	mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL);	/* as systemd does */
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	signal(SIGPIPE, SIG_IGN);
	a.sig = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a.sig < 0)
		die("signalfd");
	open_port();
	send_frame(FRAME_READY, frame, 0);
	hold_vm();
	start_command();
	serve();
	/* Daemons may hold the streams open: take what is there, do not wait. */
	while (forward_output(0) || forward_output(1))
		;
	sync_shares();
	frame[FRAME_HEADER] = (uint8_t)a.status;
	send_frame(FRAME_EXIT, frame, 1);
	sleep(KILLED_AFTER);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
