/* SPDX-License-Identifier: Apache-2.0 */
/* SOURCES: guest-init/loop.c guest-init/wire.c guest-init/pump.c guest-init/hello.c */
/* SOURCES: guest-init/session.c guest-init/birth.c guest-init/orders.c guest-init/clock.c guest-init/ending.c */
/* SOURCES: guest-init/oom.c */
/* SOURCES: guest-init/children.c guest-init/process_tree.c guest-init/procfs.c guest-init/query.c */
/* SOURCES: guest-init/query_orders.c guest-init/layers.c guest-init/processes.c guest-init/figures.c */
/* SOURCES: guest-init/container.c guest-init/cgroup.c guest-init/machine.c */
/* SOURCES: guest-init/plan_read.c guest-init/report.c guest-init/setup.c guest-init/process.c guest-init/notify.c guest-init/ends.c guest-init/start_hooks.c */
/* SOURCES: guest-init/creds.c guest-init/mounts.c guest-init/devices.c guest-init/terminal.c */
/* SOURCES: guest-init/copy_up.c guest-init/network.c guest-init/netlink.c guest-init/blocks.c guest-init/resolver.c guest-init/resolver_tcp.c */
/* SOURCES: guest-init/rootpath.c guest-init/exec_path.c guest-init/home.c guest-init/sysctl.c */
/* SOURCES: guest-init/reaper.c guest-init/blocks.c */
/*
 * nacre-monitor, the program, confined as ever, with nacre-init at the other ends of its connections in
 * place of a VMM: what passes through both. Needs root, busybox-static (test_init_harness.h) and the
 * built monitor beside this test (../libexec/nacre/nacre-monitor).
 */
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "monitorwire.h"
#include "test_init_harness.h"

struct monitor {
	struct guest guest[2]; /* whose connections the monitor has */
	pid_t pid;
	int sync;
	int in, out;		/* its standard streams */
	int preserved[3];	/* ours of its descriptors: it reads, it writes, both */
	int notify;		/* what it sends messages to */
	bool without_log;	/* of a detached container: its lines go to descriptor 2 */
	int net_ns;		/* that it is to enter, with a resolver in it; 0: none */
	char said[4096];
};

static int plan_file(struct build *b)
{
	int fd = memfd_create("plan", 0);

	build_end(b);
	assert_int_equal(write(fd, b->buf, b->len), b->len);
	return fd;
}

static const char *monitor_path(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
	char *slash;

	path[n > 0 ? n : 0] = 0;
	slash = strrchr(path, '/');
	strcpy(slash ? slash : path, "/../libexec/nacre/nacre-monitor");
	return path;
}

/* In the child: descriptors from 10 on, named in argv. */
static _Noreturn void become_monitor(const int *fds, const char *const *names, size_t n, int in,
				     int out)
{
	char *argv[64] = { "nacre-monitor", "--container", "0" };
	int high[32];
	size_t at = 3;

	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	for (size_t i = 0; i < n; i++)
		high[i] = fcntl(fds[i], F_DUPFD, 100);
	for (size_t i = 0; i < n; i++) {
		char *number = malloc(16);

		dup2(high[i], 10 + (int)i);
		snprintf(number, 16, "%zu", 10 + i);
		argv[at++] = strdup(names[i]);
		argv[at++] = number;
	}
	execv(monitor_path(), argv);
	_exit(99);
}

static void expect_packet(struct monitor *m, uint32_t type)
{
	struct monitor_packet packet = { .type = le32_of(0) };
	struct pollfd wait = { .fd = m->sync, .events = POLLIN };

	assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
	assert_true(recv(m->sync, &packet, sizeof(packet), 0) > 0);
	if (le32_get(packet.type) != type)
		fail_msg("packet %u, expected %u: %.100s", le32_get(packet.type), type, packet.text);
}

/* A container whose process is a script, up to its start. */
static void monitor_start(struct monitor *m, const char *script)
{
	static const char *const names[] = {
		"--control", "--stdin", "--stdout", "--stderr", "--preserved", "--for-preserved",
		"--preserved", "--for-preserved", "--preserved", "--for-preserved", "--plan",
		"--status", "--sync", "--notify", "--null", "--log", "--net-ns",
	};
	bool without_log = m->without_log;
	int net_ns = m->net_ns;
	static struct build b;
	struct plan_process p = plain_process();
	struct monitor_packet start = { .type = le32_of(MONITOR_START) };
	size_t n_fds = net_ns ? 17 : without_log ? 15 : 16, start_len = 0;
	int fds[17], in[2], out[2], read_by[2], written_by[2], both[2], sync[2], notify[2];

	memset(m, 0, sizeof(*m));
	m->net_ns = net_ns;
	if (access(monitor_path(), X_OK) < 0) {
		print_message("skipped: no %s\n", monitor_path());
		skip();
	}
	shell_plan(&b, &p, script);
	for (uint32_t kind = PLAN_FD_READ; kind <= PLAN_FD_BOTH; kind++) {
		struct plan_fd fd = { .kind = le32_of(kind) };

		build_add(&b, PLAN_FD, &fd, sizeof(fd), (char *)NULL);
	}
	build_string(&b, PLAN_NOTIFY, "/dev/notify");
	guest_start(&m->guest[0]);
	guest_connect_some(&m->guest[1], &m->guest[0], 3);
	assert_int_equal(pipe(in) | pipe(out) | pipe(read_by) | pipe(written_by), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, both), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sync), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, notify), 0);
	memcpy(fds, m->guest[0].fd, 4 * sizeof(int));
	for (int i = 0; i < 3; i++) {
		fds[4 + 2 * i] = ((int[]){ read_by[0], written_by[1], both[1] })[i];
		fds[5 + 2 * i] = m->guest[1].fd[i];
	}
	fds[10] = plan_file(&b);
	fds[11] = memfd_create("status", 0);
	fds[12] = sync[1];
	fds[13] = notify[1];
	fds[14] = open("/dev/null", O_RDWR);
	fds[15] = without_log ? -1 : open("/dev/null", O_WRONLY);
	fds[16] = net_ns;
	m->pid = fork();
	if (m->pid == 0)
		become_monitor(fds, names, n_fds, in[0], out[1]);
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	close(in[0]);
	close(out[1]);
	m->sync = sync[0];
	m->in = in[1];
	m->out = out[0];
	m->preserved[0] = read_by[1];
	m->preserved[1] = written_by[0];
	m->preserved[2] = both[0];
	m->notify = notify[0];
	expect_packet(m, MONITOR_ENTERED);
	expect_packet(m, MONITOR_READY);
	if (net_ns) {
		build_begin(&b, NULL);
		build_add(&b, PLAN_RESOLVER, NULL, 0, (char *)NULL);
		build_end(&b);
		start_len = b.len;
		memcpy(start.text, b.buf, start_len);
		start.text_len = le32_of((uint32_t)start_len);
		start.status = le32_of(MONITOR_START_RESOLVER);
	}
	assert_true(send(m->sync, &start, offsetof(struct monitor_packet, text) + start_len, 0) > 0);
	expect_packet(m, MONITOR_STARTED);
}

/* Reads until `text`, or with NULL to the end. */
static void hear(struct monitor *m, int fd, const char *text)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	m->said[0] = 0;
	while (n > 0 && !(text && strstr(m->said, text))) {
		if (poll(&wait, 1, WAIT_MS) != 1)
			fail_msg("nothing more came; so far: %s", m->said);
		n = read(fd, m->said + len, sizeof(m->said) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
		m->said[len] = 0;
	}
	if (text && !strstr(m->said, text))
		fail_msg("it ended without %s: %s", text, m->said);
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static int monitor_end(struct monitor *m)
{
	int status;

	assert_int_equal(waitpid(m->pid, &status, 0), m->pid);
	close(m->guest[0].door);
	assert_int_equal(waitpid(m->guest[0].pid, NULL, 0), m->guest[0].pid);
	guest_alive = -1;
	for (int i = 0; i < 3; i++)
		close(m->preserved[i]);
	close(m->in);
	close(m->out);
	close(m->sync);
	close(m->notify);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_preserved(void **state)
{
	static struct monitor m;

	(void)state;
	monitor_start(&m, "cat <&3; echo four >&4; exec 4>&-; read x <&5; echo got $x >&5; cat <&5 >&5; "
			  "echo half; read y; exec 5>&-; read z; exit 7");
	put(m.preserved[0], "three\n");
	close(m.preserved[0]);
	m.preserved[0] = -1;
	hear(&m, m.preserved[1], NULL); /* the end of it, too */
	assert_string_equal(m.said, "four\n");
	put(m.preserved[2], "five\n");
	hear(&m, m.preserved[2], "got five\n");
	put(m.preserved[2], "echoed\n");
	hear(&m, m.preserved[2], "echoed\n");
	shutdown(m.preserved[2], SHUT_WR);
	hear(&m, m.out, "three\nhalf\n");
	put(m.in, "\n");
	hear(&m, m.preserved[2], NULL);
	assert_string_equal(m.said, "");
	put(m.in, "\n");
	assert_int_equal(monitor_end(&m), 7);
}

/* Everything that was written comes out, though it is read late; then the monitor ends. */
static void test_drained(void **state)
{
	static struct monitor m;
	static char much[4096];
	size_t n = 0;
	ssize_t got;

	(void)state;
	monitor_start(&m, "yes | head -c 300000 >&5; yes | head -c 300000 >&4; exit 8");
	usleep(300000);
	while ((got = read(m.preserved[2], much, sizeof(much))) > 0 && (n += (size_t)got) < 300000)
		continue;
	assert_int_equal(n, 300000);
	for (n = 0; (got = read(m.preserved[1], much, sizeof(much))) > 0;)
		n += (size_t)got;
	assert_int_equal(n, 300000);
	assert_int_equal(monitor_end(&m), 8);
}

/* Whoever reads a detached container's output to its end need not wait for the container. */
static void test_outputs_that_the_process_closes(void **state)
{
	static struct monitor m = { .without_log = true };

	(void)state;
	monitor_start(&m, "echo said; echo too >&2; exec >&- 2>&-; read x; exit 9");
	hear(&m, m.out, NULL);
	/* of two streams, which have no order */
	assert_true(strcmp(m.said, "said\ntoo\n") == 0 || strcmp(m.said, "too\nsaid\n") == 0);
	put(m.in, "\n");
	assert_int_equal(monitor_end(&m), 9);
}

static void test_notify(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	static const char message[] = "READY=1\nMAINPID=1\nSTATUS=up\033[31m";
	static struct monitor m;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char heard[256];
	ssize_t n;

	(void)state;
	monitor_start(&m, "read x; exit 9");
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/%d/root/dev/nacre/0/notify",
		 m.guest[0].pid);
	assert_int_equal(sendto(fd, message, sizeof(message) - 1, 0, (struct sockaddr *)&address,
				sizeof(address)), sizeof(message) - 1);
	n = recv(m.notify, heard, sizeof(heard) - 1, 0);
	assert_true(n > 0);
	heard[n] = 0;
	assert_string_equal(heard, "READY=1\nSTATUS=up\n");
	put(m.in, "\n");
	assert_int_equal(monitor_end(&m), 9);
	close(fd);
}

/* A resolver's socket in a new namespace, at the address that the monitor asks. */
static int resolver_socket(int type)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PROTO_RESOLVER_PORT) };
	const uint8_t ip[] = PROTO_RESOLVER_ADDRESS;
	int fd = socket(AF_INET, type, 0);

	memcpy(&at.sin_addr, ip, sizeof(ip));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 4) < 0))
		_exit(1);
	return fd;
}

/* Answers each question, with the question and one address more if it is of type A. */
static size_t resolver_answer_to(uint8_t *m, size_t len)
{
	static const uint8_t record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7 };
	bool is_a = len > 3 && m[len - 3] == 1;

	m[2] = 0x81;
	m[3] = 0x80;
	m[7] = is_a;
	memcpy(m + len, record, sizeof(record));
	return is_a ? len + sizeof(record) : len;
}

static _Noreturn void resolver_main(int ready)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	struct sockaddr_in from;
	uint8_t m[1024];
	int udp, tcp;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (syscall(SYS_unshare, CLONE_NEWNET) < 0)
		_exit(1);
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	(void)ioctl(udp, SIOCSIFFLAGS, &ifr);
	udp = resolver_socket(SOCK_DGRAM);
	tcp = resolver_socket(SOCK_STREAM);
	if (write(ready, "1", 1) != 1)
		_exit(1);
	for (;;) {
		struct pollfd wait[2] = { { .fd = udp, .events = POLLIN }, { .fd = tcp, .events = POLLIN } };
		socklen_t from_len = sizeof(from);
		ssize_t n;
		int fd;

		poll(wait, 2, -1);
		if (wait[0].revents) {
			n = recvfrom(udp, m, 512, 0, (struct sockaddr *)&from, &from_len);
			n = (ssize_t)resolver_answer_to(m, (size_t)n);
			(void)sendto(udp, m, (size_t)n, 0, (struct sockaddr *)&from, from_len);
		}
		if (wait[1].revents) {
			fd = accept(tcp, NULL, NULL);
			n = recv(fd, m, 2, MSG_WAITALL);
			n = recv(fd, m + 2, m[1], MSG_WAITALL);
			m[1] = (uint8_t)resolver_answer_to(m + 2, (size_t)n);
			(void)send(fd, m, 2 + (size_t)m[1], 0);
			close(fd);
		}
	}
}

/* A process asks by datagram, and over TCP twice, as the resolver closes each connection. */
static void test_resolver(void **state)
{
	static struct monitor m;
	char path[64], byte;
	int ready[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		resolver_main(ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	m.net_ns = open(path, O_RDONLY);
	assert_true(m.net_ns > 0);
	monitor_start(&m, "nslookup some.example 127.0.0.11 | grep -c 192.0.2.7;"
			  "for i in 1 2; do { printf '\\0\\21\\253\\315\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\1';"
			  "sleep 1; } | nc 127.0.0.11 53 | od -An -tx1 | head -n 1; done; exit 6");
	hear(&m, m.out, NULL);
	assert_string_equal(m.said, "1\n"
			    " 00 21 ab cd 81 80 00 01 00 01 00 00 00 00 00 00\n"
			    " 00 21 ab cd 81 80 00 01 00 01 00 00 00 00 00 00\n");
	assert_int_equal(monitor_end(&m), 6);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_preserved, end_guest),
		cmocka_unit_test_teardown(test_drained, end_guest),
		cmocka_unit_test_teardown(test_notify, end_guest),
		cmocka_unit_test_teardown(test_outputs_that_the_process_closes, end_guest),
		cmocka_unit_test_teardown(test_resolver, end_guest),
	};

	return cmocka_run_group_tests(tests, make_rootfs, remove_rootfs);
}
