/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs hostile guests under the production nacre-vmm, started as `nacre` starts it
 * (docs/architecture.md), and looks at what becomes of the VMM:
 *
 *   run VMM GUEST...
 *
 * A guest leaves a verdict where a kernel's log would be, and halts. Then the VMM has to fall
 * silent (else it spins for a guest that does nothing), its memory has to be bounded, and when the
 * last client goes it has to end in good order with a record. A file named *.race runs on two
 * processors.
 *
 * For a guest named late_* the client is gone when its first frame comes, and only then the frame is sent
 * back: so a guest knows when nobody is left.
 *
 * A file named bad_kernel_* is no guest at all: the VMM has to say so and end at once.
 *
 * This program plays the monitor (one connection, which it only reads from) and nacre-fsd: it
 * answers every request with -ENOENT, but GETATTR never. It plays a tap, too, with a datagram socket
 * that sends every frame back; the disk is a memory file of 64 KiB.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "broker.h"
#include "../unit/broker_inbox.h"
#include "vmstatus.h"

#define MEMORY_MIB   24
#define RSS_MAX_KIB  ((MEMORY_MIB + 40) * 1024)
#define CONSOLE_MAX  (1024 * 1024 + 64)
#define DISK_BYTES   65536
#define TICK_MS	     25
#define QUIET_TICKS  10	  /* without use of a processor: the guest has halted, the VMM is silent */
#define LIMIT_MS     30000
#define END_LIMIT_MS 20000 /* its grace of 500, on a machine that has much else to do */
#define NOTICE_MS    100  /* for the VMM to see that its client has gone; below its grace of 500 */

struct vm {
	pid_t pid;
	int fsd, client, status_fd, console_fd, stderr_fd, net, disk;
	bool leaves; /* the client goes at the first frame */
	long rss_max_kib;
};

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void write_map(pid_t pid, const char *file)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0 1879048192 1\n", 15) != 15)
		die(path);
	close(fd);
}

/* A user namespace with one unprivileged id, as `nacre` makes it for the VMM. */
static int make_user_ns(void)
{
	char path[64];
	int ready[2], go[2], fd;
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) || write(ready[1], "r", 1) != 1)
			_exit(1);
		close(go[1]);
		_exit(read(go[0], &byte, 1) != 0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("user namespace");
	write_map(pid, "uid_map");
	write_map(pid, "gid_map");
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	close(ready[0]);
	close(go[0]);
	close(go[1]);
	waitpid(pid, NULL, 0);
	return fd;
}

static int listen_at(struct sockaddr_un *a, socklen_t *len)
{
	static unsigned int n;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	/* An abstract name: nothing is left in a file system. */
	snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "nacre-hostile-%d-%u", getpid(), n++);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(a->sun_path + 1));
	if (fd < 0 || bind(fd, (struct sockaddr *)a, *len) || listen(fd, 16))
		die("listener");
	return fd;
}

/* In the child: descriptor `fd` under its number, kept over exec. */
static char *arg_fd(int fd)
{
	char *text = malloc(12);

	fcntl(fd, F_SETFD, 0);
	snprintf(text, 12, "%d", fd);
	return text;
}

static void start(struct vm *vm, const char *vmm, const char *guest)
{
	bool race = strstr(guest, ".race") != NULL;
	struct sockaddr_un a;
	socklen_t len;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), kernel = open(guest, O_RDONLY | O_CLOEXEC);
	int listener = listen_at(&a, &len), user_ns = make_user_ns(), pair[2], net[2];

	vm->status_fd = memfd_create("status", MFD_CLOEXEC);
	vm->console_fd = memfd_create("console", MFD_CLOEXEC);
	vm->stderr_fd = memfd_create("stderr", MFD_CLOEXEC);
	vm->disk = memfd_create("disk", MFD_CLOEXEC);
	vm->client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(vm->client, (struct sockaddr *)&a, len) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, net) ||
	    ftruncate(vm->disk, DISK_BYTES) || kvm < 0 || kernel < 0 ||
	    user_ns < 0)
		die("set-up");
	vm->fsd = pair[0];
	vm->net = net[0];
	vm->pid = fork();
	if (vm->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(vm->stderr_fd, STDERR_FILENO);
		execl(vmm, "nacre-vmm", "--kvm", arg_fd(kvm), "--memory", "25165824", "--cpus",
		      race ? "2" : "1", "--kernel", arg_fd(kernel), "--init", arg_fd(kernel),
		      "--listener", arg_fd(listener), "--status", arg_fd(vm->status_fd), "--fs",
		      arg_fd(pair[1]), "--console", arg_fd(vm->console_fd), "--user-ns",
		      arg_fd(user_ns), "--boot-timeout", "600000", "--net", "02:00:00:00:00:01",
		      "--net-tap", arg_fd(net[1]), "--block", arg_fd(vm->disk), "--block-bytes",
		      "65536", "--block-queues", "2", NULL);
		_exit(127);
	}
	close(kvm);
	close(kernel);
	close(listener);
	close(user_ns);
	close(pair[1]);
	close(net[1]);
}

static void answer_requests(int fd)
{
	static struct broker_inbox inbox;

	static struct {
		struct broker_header broker;
		struct fuse_in_header hdr;
		uint8_t body[BROKER_MSG_MAX];
	} q;
	struct {
		struct broker_header broker;
		struct fuse_out_header hdr;
	} r = { .hdr = { .len = sizeof(r.hdr), .error = -ENOENT } };

	do {
		ssize_t n = broker_take(&inbox, fd, &q);

		if (n < (ssize_t)(sizeof(q.broker) + sizeof(q.hdr)) || q.hdr.opcode == FUSE_GETATTR ||
		    q.broker.tag == BROKER_TAG_QUIET)
			continue;
		r.broker = q.broker;
		r.hdr.unique = q.hdr.unique;
		(void)send(fd, &r, sizeof(r), MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (inbox.at < inbox.len);
}

/* The network's other end: what the guest sends comes back. */
static void echo_frame(struct vm *vm)
{
	static uint8_t frame[70000];
	ssize_t n = recv(vm->net, frame, sizeof(frame), 0);

	if (n <= 0)
		return;
	if (vm->leaves && vm->client >= 0) {
		close(vm->client);
		vm->client = -1;
		poll(NULL, 0, NOTICE_MS);
	}
	(void)send(vm->net, frame, (size_t)n, MSG_NOSIGNAL);
}

/* Serves the sockets for one tick. */
static void serve(struct vm *vm)
{
	long long end = now_ms() + TICK_MS;
	static char sink[65536];

	for (long long left = TICK_MS; left > 0; left = end - now_ms()) {
		struct pollfd p[3] = { { .fd = vm->fsd, .events = POLLIN },
				       { .fd = vm->client, .events = POLLIN },
				       { .fd = vm->net, .events = POLLIN } };

		if (poll(p, 3, (int)left) <= 0)
			continue;
		if (p[2].revents & POLLIN)
			echo_frame(vm);
		if (p[0].revents)
			answer_requests(vm->fsd);
		if (p[1].revents)
			(void)recv(vm->client, sink, sizeof(sink), MSG_DONTWAIT);
		if ((p[0].revents | p[1].revents) & (POLLHUP | POLLERR))
			poll(NULL, 0, 5);
	}
}

/* Ticks of the scheduler that the VMM has used; its memory is noted. -1: it is gone. */
static long cpu_ticks(struct vm *vm)
{
	char path[64], line[512];
	unsigned long user = 0, sys = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", vm->pid);
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f))
		return -1;
	fclose(f);
	if (sscanf(strrchr(line, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
		   &user, &sys) != 2 || strstr(line, ") Z "))
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/status", vm->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		long kib;

		if (sscanf(line, "VmHWM: %ld", &kib) == 1 && kib > vm->rss_max_kib)
			vm->rss_max_kib = kib;
	}
	if (f)
		fclose(f);
	return (long)(user + sys);
}

/* True while a thread of the VMM would run: on a busy machine it may wait for a processor for long. */
static bool is_runnable(const struct vm *vm)
{
	char path[300], line[512];
	bool runnable = false;
	struct dirent *e;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", vm->pid);
	tasks = opendir(path);
	while (tasks && !runnable && (e = readdir(tasks))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", vm->pid, e->d_name);
		f = fopen(path, "re");
		if (f && fgets(line, sizeof(line), f) && strrchr(line, ')'))
			runnable = !strncmp(strrchr(line, ')'), ") R", 3);
		if (f)
			fclose(f);
	}
	if (tasks)
		closedir(tasks);
	return runnable;
}

/* Waits until the VMM is silent. NULL, or what is wrong. */
static const char *wait_silence(struct vm *vm)
{
	long long end = now_ms() + LIMIT_MS;
	long last = -1;
	int quiet = 0;

	while (quiet < QUIET_TICKS) {
		long t;

		if (now_ms() > end)
			return "spins: still busy behind a guest that has halted, or should have";
		serve(vm);
		t = cpu_ticks(vm);
		if (t < 0)
			return NULL; /* it has ended: its record says how */
		quiet = t == last && !is_runnable(vm) ? quiet + 1 : 0;
		last = t;
	}
	return NULL;
}

static const char *wait_end(struct vm *vm, int *wstatus)
{
	long long end = now_ms() + END_LIMIT_MS;

	if (vm->client >= 0)
		close(vm->client);
	vm->client = -1;
	while (waitpid(vm->pid, wstatus, WNOHANG) == 0) {
		if (now_ms() > end) {
			kill(vm->pid, SIGKILL);
			waitpid(vm->pid, wstatus, 0);
			return "does not end when its last client has gone";
		}
		serve(vm);
	}
	return NULL;
}

static const char *check_refusal(const struct vm *vm, int wstatus)
{
	struct vm_status s = { 0 };

	if (!WIFEXITED(wstatus) || WEXITSTATUS(wstatus) != 1)
		return "not refused with exit status 1";
	if (pread(vm->status_fd, &s, sizeof(s), 0) != sizeof(s) ||
	    le32_get(s.end) != VM_END_SETUP || le32_get(s.log_len) == 0)
		return "refused without a record that says why";
	return NULL;
}

static const char *check_end(const struct vm *vm, int wstatus, bool race)
{
	static char text[VM_STATUS_LOG_MAX + 64];
	struct vm_status s = { 0 };
	struct stat st;
	uint32_t end, len;

	if (WIFSIGNALED(wstatus)) {
		snprintf(text, sizeof(text), "the VMM died of signal %d (%s)", WTERMSIG(wstatus),
			 strsignal(WTERMSIG(wstatus)));
		return text;
	}
	if (pread(vm->status_fd, &s, sizeof(s), 0) != sizeof(s))
		return "no record of its end";
	end = le32_get(s.end);
	len = le32_get(s.log_len);
	if (WEXITSTATUS(wstatus) != 0 || (end != VM_END_RELEASED && end != VM_END_GUEST_RESET)) {
		snprintf(text, sizeof(text), "exit status %d, end %u: %.*s", WEXITSTATUS(wstatus), end,
			 (int)(len < 200 ? len : 200), (const char *)s.log);
		return text;
	}
	if (vm->rss_max_kib > RSS_MAX_KIB) {
		snprintf(text, sizeof(text), "the VMM grew to %ld KiB", vm->rss_max_kib);
		return text;
	}
	if (fstat(vm->console_fd, &st) || st.st_size > CONSOLE_MAX)
		return "the console's file grew";
	if (fstat(vm->disk, &st) || st.st_size != DISK_BYTES)
		return "the disk changed its size";
	if (fstat(vm->stderr_fd, &st) || st.st_size > 16384)
		return "too many lines on standard error";
	snprintf(text, sizeof(text), "%.*s", (int)(len < VM_STATUS_LOG_MAX ? len : 0),
		 (const char *)s.log);
	/* In a race the guest may reset the client's connection, and with it end the VM early. */
	if (len == 0)
		return race ? NULL : "the guest gave no verdict";
	return strcmp(text, "ok") ? text : NULL;
}

static const char *run(const char *vmm, const char *guest)
{
	struct vm vm = { .client = -1, .leaves = strstr(guest, "/late_") != NULL };
	const char *wrong, *late;
	int wstatus = 0;

	start(&vm, vmm, guest);
	wrong = wait_silence(&vm);
	late = wait_end(&vm, &wstatus);
	if (!wrong)
		wrong = late;
	if (!wrong && strstr(guest, "bad_kernel_"))
		wrong = check_refusal(&vm, wstatus);
	else if (!wrong)
		wrong = check_end(&vm, wstatus, strstr(guest, ".race") != NULL);
	if (wrong && getenv("HOSTILE_STDERR")) {
		char line[4096];
		ssize_t n = pread(vm.stderr_fd, line, sizeof(line), 0);

		printf("# %.*s", n > 0 ? (int)n : 0, line);
	}
	close(vm.fsd);
	close(vm.net);
	close(vm.disk);
	close(vm.status_fd);
	close(vm.console_fd);
	close(vm.stderr_fd);
	return wrong;
}

int main(int argc, char **argv)
{
	bool failed = false, can = geteuid() == 0 && access("/dev/kvm", R_OK | W_OK) == 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	for (int i = 2; i < argc; i++) {
		const char *name = strrchr(argv[i], '/') ? strrchr(argv[i], '/') + 1 : argv[i];
		long long began = now_ms();
		const char *wrong = can ? run(argv[1], argv[i]) : "skip: needs root and /dev/kvm";

		if (!wrong) {
			printf("ok %s (%lld ms)\n", name, now_ms() - began);
		} else if (!strncmp(wrong, "skip: ", 6)) {
			printf("skip %s: %s\n", name, wrong + 6);
		} else {
			printf("not ok %s: %s\n", name, wrong);
			failed = true;
		}
	}
	puts("end of suite");
	return failed;
}
