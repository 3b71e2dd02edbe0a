/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nacre-init without a virtual machine, for its tests: the real machine stage, sessions and
 * containers run as PID 1 of a new pid and mount namespace, with socket pairs in place of vsock and
 * a directory in place of virtio-fs (share_mount below). The test plays nacre-monitor. Needs root,
 * and busybox-static.
 */
#ifndef NACRE_TEST_INIT_HARNESS_H
#define NACRE_TEST_INIT_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "guest-init/children.h"
#include "guest-init/hello.h"
#include "guest-init/kernel.h"
#include "guest-init/loop.h"
#include "guest-init/machine.h"
#include "guest-init/session.h"
#include "guest-init/share.h"
#include "proto.h"
#include "test_init_build.h"

#define BASE    "/tmp/nacre-test-init"
#define WAIT_MS 20000

/* Of a test that failed: its guest is still there. */
static pid_t guest_alive = -1;
static int rootfs_tree = -1, volume_tree = -1;

/* In place of guest-init/share.c. */
int share_mount(const char *tag, const char *path)
{
	bool volumes = strcmp(tag, "nacre-volumes") == 0;
	char dir[128];
	int fd, r;

	snprintf(dir, sizeof(dir), "%s/0", path);
	mkdir(dir, 0755);
	snprintf(dir, sizeof(dir), "%s/0/%s", path, volumes ? "mounts" : "root");
	if (mkdir(dir, 0755) < 0)
		return -errno;
	fd = open(dir, O_PATH | O_CLOEXEC);
	r = kernel_move_mount(volumes ? volume_tree : rootfs_tree, fd);
	close(fd);
	return r;
}

static void sh(const char *command)
{
	int r = system(command);

	if (r != 0)
		fail_msg("%s: %d", command, r);
}

static int make_rootfs(void **state)
{
	(void)state;
	if (geteuid() != 0 || access("/bin/busybox", X_OK) < 0)
		return 0; /* each test skips */
	sh("rm -rf " BASE " && mkdir -p " BASE "/root/bin " BASE "/root/etc " BASE "/volumes/0");
	sh("cp /bin/busybox " BASE "/root/bin/ && for c in sh cat id ls echo sleep mount stat true mkdir "
	   "false kill ps hostname head yes tty stty touch ip sysctl readlink grep wc test; do "
	   "ln -s busybox " BASE "/root/bin/$c; done");
	sh("echo 'root:x:0:0::/root:/bin/sh' > " BASE "/root/etc/passwd;"
	   "echo 'user:x:1000:1000::/home/user:/bin/sh' >> " BASE "/root/etc/passwd;"
	   "echo data > " BASE "/root/etc/plain; chmod 644 " BASE "/root/etc/plain;"
	   "echo volume > " BASE "/volumes/0/file; ln -s /../../../etc " BASE "/root/escape;"
	   "ln -s ../../nowhere/deep " BASE "/root/dangling; echo x > " BASE "/volumes/1;"
	   "chown -hR 2147483648:2147483648 " BASE "/root " BASE "/volumes");
	return 0;
}

static int remove_rootfs(void **state)
{
	(void)state;
	sh("rm -rf " BASE
	   "; rmdir /sys/fs/cgroup/unified/nacre /sys/fs/cgroup/nacre 2>/dev/null; :");
	return 0;
}

/* A root that is not the host's, as the kernel gives PID 1 its rootfs. */
static void enter_empty_root(void)
{
	if (syscall(SYS_unshare, CLONE_NEWNS) < 0 ||
	    kernel_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		_exit(99);
	rootfs_tree = kernel_open_tree(AT_FDCWD, BASE "/root", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	volume_tree =
		kernel_open_tree(AT_FDCWD, BASE "/volumes", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (rootfs_tree < 0 || volume_tree < 0 || kernel_mount("t", "/mnt", "tmpfs", 0, NULL) < 0 ||
	    mkdir("/mnt/old", 0700) < 0 || chdir("/mnt") < 0 ||
	    syscall(SYS_pivot_root, ".", "old") < 0 || chdir("/") < 0 || mkdir("/proc", 0755) < 0 ||
	    kernel_mount("proc", "/proc", "proc", 0, NULL) < 0 || mkdir("/m", 0755) < 0 ||
	    mkdir("/m/x", 0755) < 0)
		_exit(98);
	rmdir("/m/x");
	/* The host's tree stays at /old, as nothing in rootfs would: machine_mount() covers it. */
}

static void ignore(bool broken)
{
	(void)broken;
}

static void door_ready(void *owner, uint32_t events)
{
	const struct watch *door = owner;
	char buf[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf,
			    .msg_controllen = sizeof(buf) };
	int fd;

	(void)events;
	if (recvmsg(door->fd, &m, MSG_CMSG_CLOEXEC) != 1) {
		loop_forget((struct watch *)owner);
		return;
	}
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	if (hello_adopt(fd) < 0)
		_exit(96);
}

/* What main() of nacre-init does; its connections come through the door. */
static void run_init(int fd)
{
	struct watch door = { .fd = fd, .ready = door_ready, .owner = &door };

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	machine_mount();
	signal(SIGPIPE, SIG_IGN);
	if (loop_open() < 0 || children_watch() < 0)
		_exit(97);
	hello_on_change(ignore);
	loop_watch(&door, EPOLLIN);
	while (!session_all_over()) {
		if (loop_step() < 0)
			_exit(95);
	}
	machine_reset();
}

enum { CONTROL, S_IN, S_OUT, S_ERR, CONNECTIONS };

/* One session with a guest's init. */
struct guest {
	pid_t pid;
	int door; /* to give init more connections */
	uint8_t token;
	int fd[CONNECTIONS];
	char out[65536];
	size_t out_len;
	bool tty;
};

/* The first `n` connections of one more session with an init that runs; the others are -1. */
static void guest_connect_some(struct guest *g, const struct guest *running, int n)
{
	static uint8_t last_token;
	char buf[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf,
			    .msg_controllen = sizeof(buf) };

	memset(g, 0, sizeof(*g));
	g->pid = running->pid;
	g->door = running->door;
	g->token = ++last_token;
	memset(g->fd, -1, sizeof(g->fd));
	for (int i = 0; i < n; i++) {
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		g->fd[i] = pair[0];
		*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
				       .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(c), &pair[1], sizeof(int));
		assert_int_equal(sendmsg(g->door, &m, MSG_NOSIGNAL), 1);
		close(pair[1]);
	}
}

static void guest_connect(struct guest *g, const struct guest *running)
{
	guest_connect_some(g, running, CONNECTIONS);
}

/* Starts an init, with the connections of a first session. */
static void guest_start(struct guest *g)
{
	struct clone_args args = { .flags = CLONE_NEWPID | CLONE_NEWNET, .exit_signal = SIGCHLD };
	struct guest running;
	int door[2];

	if (geteuid() != 0 || access("/bin/busybox", X_OK) < 0) {
		print_message("skipped: needs root and busybox-static\n");
		skip();
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, door), 0);
	running.pid = kernel_clone3(&args);
	assert_true(running.pid >= 0);
	guest_alive = running.pid;
	if (running.pid == 0) {
		close(door[0]);
		enter_empty_root();
		run_init(door[1]);
		_exit(94);
	}
	close(door[1]);
	running.door = door[0];
	guest_connect(g, &running);
}

static int end_guest(void **state)
{
	(void)state;
	if (guest_alive > 0) {
		kill(guest_alive, SIGKILL);
		waitpid(guest_alive, NULL, 0);
	}
	guest_alive = -1;
	return 0;
}

static void send_message(struct guest *g, int fd, uint16_t type, const void *body, size_t len)
{
	struct msg_header h = { .len = le32_of((uint32_t)(sizeof(h) + len)),
				.type = le16_of(type) };

	(void)g;
	assert_int_equal(send(fd, &h, sizeof(h), MSG_NOSIGNAL), sizeof(h));
	if (len > 0)
		assert_int_equal(send(fd, body, len, MSG_NOSIGNAL), len);
}

static void send_hello(struct guest *g, int which, uint16_t role, uint16_t stream)
{
	struct msg_hello hello = {
		.magic = le32_of(PROTO_MAGIC),
		.version = le16_of(PROTO_VERSION),
		.role = le16_of(role),
		.stream = le16_of(stream),
		.token = { g->token, 1, 2, 3 },
	};

	send_message(g, g->fd[which], MSG_HELLO, &hello, sizeof(hello));
}

/* Reads one message; 0 at end of file. */
static uint16_t receive(struct guest *g, uint8_t *body, size_t *len)
{
	struct pollfd p = { .fd = g->fd[CONTROL], .events = POLLIN };
	struct msg_header h;

	do {
		if (poll(&p, 1, WAIT_MS) != 1)
			fail_msg("no message from init");
		if (recv(p.fd, &h, sizeof(h), MSG_WAITALL) != sizeof(h))
			return 0;
		*len = le32_get(h.len) - sizeof(h);
		assert_true(*len <= PROTO_SMALL_MAX);
		if (*len > 0)
			assert_int_equal(recv(p.fd, body, *len, MSG_WAITALL), *len);
		/* It asks for the time now and then. */
	} while (le16_get(h.type) == MSG_CLOCK_ASK);
	return le16_get(h.type);
}

static void expect(struct guest *g, uint16_t type)
{
	uint8_t body[PROTO_SMALL_MAX];
	size_t len;
	uint16_t got = receive(g, body, &len);

	if (got == MSG_FAILED && type != MSG_FAILED)
		fail_msg("FAILED %u: %.*s", body[0] | body[1] << 8, (int)len - 4, body + 4);
	assert_int_equal(got, type);
}

/* Says the hellos of a session and sends its plan: MSG_PLAN or MSG_EXEC. */
static void begin_with(struct guest *g, uint16_t type, struct build *plan)
{
	build_end(plan);
	if (g->tty) {
		send_hello(g, S_IN, ROLE_STREAM, STREAM_TTY);
	} else {
		send_hello(g, S_OUT, ROLE_STREAM, STREAM_STDOUT);
		send_hello(g, S_ERR, ROLE_STREAM, STREAM_STDERR);
	}
	send_hello(g, CONTROL, ROLE_CONTROL, 0);
	send_message(g, g->fd[CONTROL], type, plan->buf, plan->len);
	if (!g->tty)
		send_hello(g, S_IN, ROLE_STREAM, STREAM_STDIN);
	expect(g, MSG_HELLO_ACK);
}

static void begin(struct guest *g, struct build *plan)
{
	guest_start(g);
	begin_with(g, MSG_PLAN, plan);
}

static void start(struct guest *g, struct build *plan)
{
	begin(g, plan);
	expect(g, MSG_CREATED);
	send_message(g, g->fd[CONTROL], MSG_START, NULL, 0);
	expect(g, MSG_STARTED);
}

/* Reads once from a stream. False at its end. */
static bool read_some(struct guest *g, int which)
{
	struct pollfd p = { .fd = g->fd[which], .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, WAIT_MS) != 1)
		fail_msg("stream %d does not end; so far: %s", which, g->out);
	n = read(p.fd, g->out + g->out_len, sizeof(g->out) - 1 - g->out_len);
	if (n <= 0)
		return false;
	g->out_len += (size_t)n;
	g->out[g->out_len] = 0;
	return true;
}

/* Collects a stream until it has said a text. */
__attribute__((unused)) static void read_until(struct guest *g, int which, const char *text)
{
	while (!strstr(g->out, text)) {
		if (!read_some(g, which))
			fail_msg("stream %d ended without %s: %s", which, text, g->out);
	}
}

/* Collects a stream to its end (standard error behind standard output). */
static void read_all(struct guest *g, int which)
{
	while (read_some(g, which)) {
	}
}

static void hang_up(struct guest *g)
{
	for (int i = 0; i < CONNECTIONS; i++)
		close(g->fd[i]);
}

static void finish(struct guest *g)
{
	int status;

	hang_up(g);
	close(g->door);
	assert_int_equal(waitpid(g->pid, &status, 0), g->pid);
	guest_alive = -1;
	/* reboot(2) in a pid namespace ends its PID 1 by SIGHUP: pid_namespaces(7). */
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGHUP)
		fail_msg("init did not reset the machine: %#x", (unsigned int)status);
}

/* Waits for EXITED; gives how << 16 | value. */
static unsigned int exited(struct guest *g)
{
	uint8_t body[PROTO_SMALL_MAX];
	struct msg_exited m;
	size_t len;

	assert_int_equal(receive(g, body, &len), MSG_EXITED);
	assert_int_equal(len, sizeof(m));
	memcpy(&m, body, sizeof(m));
	return (unsigned int)le16_get(m.how) << 16 | le16_get(m.value);
}

/* Collects all output up to EXITED. */
static unsigned int output_exited(struct guest *g)
{
	read_all(g, g->tty ? S_IN : S_OUT);
	if (!g->tty)
		read_all(g, S_ERR);
	return exited(g);
}

static inline unsigned int finish_exited(struct guest *g)
{
	unsigned int r = output_exited(g);

	finish(g);
	return r;
}

static struct plan_process plain_process(void)
{
	struct plan_process p = {
		.umask = le32_of(022),
		.namespaces_lo = le32_of(BUILD_SPACES),
		.id_count = le32_of(65536),
	};

	for (int i = 0; i < CAP_SET_AMBIENT; i++)
		p.caps[i] = le64_of(0xa80425fb); /* Docker's */
	return p;
}

/* The mounts of podman's and Docker's config.json; the last may be writable. */
static void add_usual_with(struct build *b, const char *cwd, uint32_t cgroup_flags)
{
	struct plan_root root = { .flags = le32_of(0) };

	build_string(b, PLAN_ENV, "PATH=/sbin:/bin");
	build_string(b, PLAN_CWD, cwd);
	build_add(b, PLAN_ROOT, &root, sizeof(root), (char *)NULL);
	build_mount(b, "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	build_mount(b, "/dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
	build_mount(b, "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		    "newinstance,ptmxmode=0666,mode=0620,gid=5");
	build_mount(b, "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777");
	build_mount(b, "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	build_mount(b, "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "");
	build_mount(b, "/sys/fs/cgroup", "cgroup",
		    MS_NOSUID | MS_NODEV | MS_NOEXEC | cgroup_flags, "");
}

static void add_usual(struct build *b, const char *cwd)
{
	add_usual_with(b, cwd, MS_RDONLY);
}

static void plan_script(struct build *b, const struct plan_process *p, const char *shell,
			const char *script)
{
	build_begin(b, p);
	build_string(b, PLAN_ARG, shell);
	build_string(b, PLAN_ARG, "-c");
	build_string(b, PLAN_ARG, script);
}

static void shell_plan(struct build *b, const struct plan_process *p, const char *script)
{
	plan_script(b, p, "sh", script);
	add_usual(b, "/");
}

/* A container that waits: its shell reads lines and runs them. */
static inline void start_container(struct guest *g)
{
	static struct build b;
	struct plan_process p = plain_process();

	shell_plan(&b, &p, "echo ready; while read -r x; do eval \"$x\"; done");
	start(g, &b);
	g->out_len = (size_t)read(g->fd[S_OUT], g->out, sizeof(g->out));
	assert_int_equal(strncmp(g->out, "ready\n", 6), 0);
}

/* Writes to a process' standard input. */
static inline void say(const struct guest *g, const char *text)
{
	assert_int_equal(write(g->fd[S_IN], text, strlen(text)), strlen(text));
}

#endif
