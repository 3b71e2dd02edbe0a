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
 * A container by nacre-init, from its plan to its end: what its process sees, is and may do; the
 * ways in which it fails and ends. Needs root, and busybox-static (test_init_harness.h).
 */
#include "test_init_harness.h"

/* Runs a script in a usual container; its output is in g->out. */
static unsigned int run(struct guest *g, const char *script)
{
	static struct build b;
	struct plan_process p = plain_process();

	shell_plan(&b, &p, script);
	start(g, &b);
	shutdown(g->fd[S_IN], SHUT_WR);
	return finish_exited(g);
}

static void test_hello_world(void **state)
{
	static struct guest g;

	(void)state;
	assert_int_equal(run(&g, "echo hello; echo world >&2; exit 7"), 7);
	assert_string_equal(g.out, "hello\nworld\n");
}

static void test_identity(void **state)
{
	static struct guest g;

	(void)state;
	assert_int_equal(run(&g, "id -u; id -g; echo $$; pwd; echo $HOME; cat /proc/self/uid_map;"
				 "grep -E 'Cap|NoNew|Seccomp:' /proc/self/status; umask"),
			 0);
	assert_non_null(strstr(g.out, "0\n0\n1\n/\n/root\n         0 2147483648      65536\n"));
	assert_non_null(strstr(g.out, "CapBnd:\t00000000a80425fb"));
	assert_non_null(strstr(g.out, "CapEff:\t00000000a80425fb"));
	assert_non_null(strstr(g.out, "CapPrm:\t00000000a80425fb"));
	assert_non_null(strstr(g.out, "CapAmb:\t0000000000000000"));
	assert_non_null(strstr(g.out, "NoNewPrivs:\t0"));
	assert_non_null(strstr(g.out, "0022"));
}

static void test_mounts(void **state)
{
	static struct guest g;

	(void)state;
	assert_int_equal(run(&g, "cat /proc/mounts; ls -l /dev /proc/self/fd; echo x > /dev/null;"
				 "head -c4 /dev/zero | wc -c; cat /proc/self/cgroup;"
				 "ls /sys/fs/cgroup/cgroup.procs; touch /sys/x || echo sysro;"
				 "ip addr show lo 2>&1; ls /old"),
			 1);
	assert_non_null(strstr(g.out, "proc /proc proc"));
	assert_non_null(strstr(g.out, "cgroup /sys/fs/cgroup cgroup2"));
	assert_non_null(strstr(g.out, "0::/\n"));
	assert_non_null(strstr(g.out, "sysro"));
	assert_null(strstr(g.out, "socket:")); /* no connection to the host */
	assert_null(strstr(g.out, "run/nacre"));
}

static void test_stdin_and_back_pressure(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();
	static char block[20000];

	(void)state;
	shell_plan(&b, &p, "cat | wc -c; yes | head -c 60000");
	start(&g, &b);
	for (int i = 0; i < 50; i++)
		assert_int_equal(send(g.fd[S_IN], block, sizeof(block), MSG_NOSIGNAL),
				 sizeof(block));
	shutdown(g.fd[S_IN], SHUT_WR);
	assert_int_equal(finish_exited(&g), 0);
	assert_int_equal(strncmp(g.out, "1000000\n", 8), 0);
	assert_int_equal(g.out_len, 60008);
}

static void test_host_closes_stdout(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();

	(void)state;
	build_begin(&b, &p);
	build_string(&b, PLAN_ARG, "sh");
	build_string(&b, PLAN_ARG, "-c");
	build_string(&b, PLAN_ARG, "yes; echo yes $? >&2");
	add_usual(&b, "/");
	start(&g, &b);
	close(g.fd[S_OUT]);
	g.fd[S_OUT] = open("/dev/null", O_RDWR);
	assert_int_equal(finish_exited(&g), 0);
	assert_string_equal(g.out, "yes 141\n"); /* SIGPIPE */
}

static void test_user_and_home(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();
	struct le32 group = le32_of(44);

	(void)state;
	p.uid = le32_of(1000);
	p.gid = le32_of(1000);
	p.flags = le32_of(PLAN_NO_NEW_PRIVS);
	p.oom_score_adj = le32_of(5); /* raised: CAP_SYS_RESOURCE may be missing here */
	p.caps[CAP_SET_AMBIENT] = le64_of(1u << 10); /* CAP_NET_BIND_SERVICE */
	shell_plan(&b, &p,
		   "id; echo $HOME; grep -E 'Cap|NoNew' /proc/self/status; ulimit -n;"
		   "cat /proc/self/oom_score_adj; hostname; cat /proc/sys/kernel/domainname;"
		   "cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ping_group_range;"
		   "echo reopened > /proc/self/fd/1; pwd");
	build_add(&b, PLAN_GROUP, &group, sizeof(group), (char *)NULL);
	struct plan_rlimit l = { .resource = le32_of(RLIMIT_NOFILE),
				 .soft = le64_of(123),
				 .hard = le64_of(456) };
	build_add(&b, PLAN_RLIMIT, &l, sizeof(l), (char *)NULL);
	build_string(&b, PLAN_HOSTNAME, "pearl");
	build_string(&b, PLAN_DOMAINNAME, "sea");
	build_add(&b, PLAN_SYSCTL, NULL, 0, "kernel.msgmax", "12345", (char *)NULL);
	build_add(&b, PLAN_SYSCTL, NULL, 0, "net.ipv4.ping_group_range", "0 9", (char *)NULL);
	start(&g, &b);
	assert_int_equal(finish_exited(&g), 0);
	assert_non_null(strstr(g.out, "uid=1000(user) gid=1000 groups=44,1000\n/home/user\n")
				?: strstr(g.out, "/home/user\n"));
	assert_non_null(strstr(g.out, "CapEff:\t0000000000000400"));
	assert_non_null(strstr(g.out, "CapAmb:\t0000000000000400"));
	assert_non_null(strstr(g.out, "NoNewPrivs:\t1"));
	assert_non_null(strstr(g.out, "\n123\n5\npearl\nsea\n12345\n0\t9\nreopened\n/\n"));
}

/* Ids of OpenShift are nine digits long. */
static void test_high_ids(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();
	struct le32 group = le32_of(1000660001);

	(void)state;
	p.id_count = le32_of(1000660002);
	p.uid = le32_of(1000660000);
	p.gid = le32_of(70000);
	shell_plan(&b, &p, "id -u; id -G; cat /proc/self/gid_map | while read a b c; do "
			   "echo $a $b $c; done");
	build_add(&b, PLAN_GROUP, &group, sizeof(group), (char *)NULL);
	start(&g, &b);
	assert_int_equal(finish_exited(&g), 0);
	assert_string_equal(g.out, "1000660000\n70000 1000660001\n0 2147483648 1000660002\n");
}

static void expect_failed_plan(struct build *b, uint16_t code, const char *text)
{
	static struct guest g;
	uint8_t body[PROTO_SMALL_MAX + 1] = { 0 };
	size_t len;

	begin(&g, b);
	assert_int_equal(receive(&g, body, &len), MSG_FAILED);
	body[len] = 0;
	assert_string_equal((char *)body + 4, text);
	assert_int_equal(body[0] | body[1] << 8, code);
	finish(&g);
}

/* Docker and containerd write more groups than a container has: "everybody". */
static void test_network_parameters(void **state)
{
	static const struct {
		const char *written, *found;
	} ranges[] = { { "0 2147483647", "0\t65535\n" }, { "44 65536\n", "44\t65535\n" },
		       { "0 65535", "0\t65535\n" },      { "70000 80000", "65534\t65534\n" } };
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		shell_plan(&b, &p, "cat /proc/sys/net/ipv4/ping_group_range");
		build_add(&b, PLAN_SYSCTL, NULL, 0, "net.ipv4.ping_group_range", ranges[i].written,
			  (char *)NULL);
		start(&g, &b);
		assert_int_equal(finish_exited(&g), 0);
		assert_string_equal(g.out, ranges[i].found);
	}
	shell_plan(&b, &p, "true");
	build_add(&b, PLAN_SYSCTL, NULL, 0, "net.ipv4.ping_group_range", "0 2147483648", (char *)NULL);
	expect_failed_plan(&b, 125, "sysctl net.ipv4.ping_group_range: invalid argument");
	shell_plan(&b, &p, "true");
	build_add(&b, PLAN_SYSCTL, NULL, 0, "net.core.pearls", "1024", (char *)NULL);
	expect_failed_plan(&b, 125, "sysctl net.core.pearls: there is none in the network namespace of a "
			   "container, which has a user namespace of its own");
}

static void test_restrictions(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();
	struct plan_root root = { .flags = le32_of(PLAN_ROOT_READONLY) };

	(void)state;
	plan_script(&b, &p, "/bin/sh",
		     "touch /x || echo root-ro; wc -c < /etc/plain; ls /etc/dir | wc -l;"
		     "echo 1 > /proc/sys/kernel/randomize_va_space || echo sys-ro;"
		     "wc -c < /proc/version; cat /data/file; touch /data/new || echo vol-ro;"
		     "cat /data.file; grep -c . /escape/passwd; ls -d /nowhere/deep; pwd");
	build_string(&b, PLAN_ENV, "PATH=/bin");
	build_string(&b, PLAN_CWD, "/made/cwd");
	build_add(&b, PLAN_ROOT, &root, sizeof(root), (char *)NULL);
	build_mount(&b, "/proc", "proc", 0, "");
	build_mount(&b, "/dev", "tmpfs", MS_NOSUID | MS_RDONLY, "mode=755");
	build_mount(&b, "/etc/dir", "tmpfs", 0, "");
	struct plan_mount m = { .kind = le32_of(PLAN_MOUNT_EXPORT), .flags = le32_of(MS_RDONLY) };
	build_add(&b, PLAN_MOUNT, &m, sizeof(m), "/data", "", "", "", (char *)NULL);
	m.index = le32_of(1);
	m.target_is_file = le32_of(1);
	build_add(&b, PLAN_MOUNT, &m, sizeof(m), "/data.file", "", "", "", (char *)NULL);
	build_mount(&b, "/dangling/sub", "tmpfs", 0, "");
	build_mount(&b, "/escape/mnt", "tmpfs", 0, "");
	build_string(&b, PLAN_MASKED, "/proc/version");
	build_string(&b, PLAN_MASKED, "/etc/plain");
	build_string(&b, PLAN_MASKED, "/etc/dir");
	build_string(&b, PLAN_MASKED, "/proc/not-there");
	build_string(&b, PLAN_READONLY, "/proc/sys");
	start(&g, &b);
	assert_int_equal(finish_exited(&g), 0);
	assert_non_null(strstr(g.out, "root-ro\n0\n0\nsys-ro\n0\nvolume\nvol-ro\nx\n2\n"
				      "/nowhere/deep\n/made/cwd\n"));
	assert_int_equal(access("/etc/mnt", F_OK), -1);
	assert_int_equal(access("/nowhere", F_OK), -1);
}

static void test_seccomp(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();
	/* mkdir fails with errno 42; the rest is allowed. x86-64 and arm64 numbers differ. */
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_mkdir
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
#else
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdirat, 0, 1),
#endif
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 42),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct {
		struct plan_seccomp head;
		struct sock_filter insns[4];
	} s = { .head = { .n_insns = le32_of(4) } };

	(void)state;
	memcpy(s.insns, insns, sizeof(insns));
	for (int nnp = 0; nnp < 2; nnp++) {
		p.flags = le32_of(nnp ? PLAN_NO_NEW_PRIVS : 0);
		shell_plan(&b, &p,
			   "busybox mkdir /zz; grep -E 'Seccomp:|CapEff' /proc/self/status");
		build_add(&b, PLAN_SECCOMP, &s, sizeof(s), (char *)NULL);
		start(&g, &b);
		assert_int_equal(finish_exited(&g), 0);
		assert_non_null(strstr(g.out, "Seccomp:\t2"));
		assert_non_null(strstr(g.out, "CapEff:\t00000000a80425fb"));
		assert_non_null(strstr(g.out, "No message of desired type"));
	}
}

static void expect_failed(const char *arg, const char *path, uint16_t code, const char *text)
{
	static struct build b;
	struct plan_process p = plain_process();

	build_begin(&b, &p);
	build_string(&b, PLAN_ARG, arg);
	add_usual(&b, path);
	expect_failed_plan(&b, code, text);
}

static void test_failures(void **state)
{
	(void)state;
	expect_failed("nope", "/", 127, "exec: \"nope\": executable file not found in $PATH");
	expect_failed("/nope", "/", 127, "exec \"/nope\": no such file or directory");
	expect_failed("/etc/plain", "/", 126, "exec: \"/etc/plain\": permission denied");
	expect_failed("/etc", "/", 126, "exec: \"/etc\": is a directory");
	expect_failed("sh", "/etc/plain", 125, "chdir to cwd (\"/etc/plain\"): not a directory");
}

static void test_signals(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();
	struct msg_signal m = { .signo = le32_of(SIGTERM) };

	(void)state;
	/* PID 1 without a handler does not end by SIGTERM; then SIGKILL ends it. */
	shell_plan(&b, &p, "echo up; exec sleep 100");
	start(&g, &b);
	send_message(&g, g.fd[CONTROL], MSG_SIGNAL, &m, sizeof(m));
	usleep(300000);
	m.signo = le32_of(SIGKILL);
	send_message(&g, g.fd[CONTROL], MSG_SIGNAL, &m, sizeof(m));
	assert_int_equal(finish_exited(&g), 1u << 16 | SIGKILL);
	/* With a handler it hears it, also one for all. */
	shell_plan(&b, &p, "trap 'echo term; exit 3' TERM; echo up; while :; do sleep 0.1; done");
	for (uint32_t scope = SIGNAL_PROCESS; scope <= SIGNAL_ALL; scope++) {
		start(&g, &b);
		usleep(300000);
		m = (struct msg_signal){ .signo = le32_of(SIGTERM), .scope = le32_of(scope) };
		send_message(&g, g.fd[CONTROL], MSG_SIGNAL, &m, sizeof(m));
		assert_int_equal(finish_exited(&g), 3);
		assert_non_null(strstr(g.out, "up\nterm\n") ?: strstr(g.out, "term\n"));
	}
}

static void test_reaper(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();
	struct msg_signal m = { .signo = le32_of(SIGTERM) };

	(void)state;
	p.flags = le32_of(PLAN_INIT_REAPER);
	shell_plan(&b, &p,
		   "echo $$; cat /proc/1/comm; ls /proc/1/fd 2>/dev/null;"
		   "grep CapEff /proc/1/status; (sleep 100 &); exit 9");
	start(&g, &b);
	assert_int_equal(finish_exited(&g), 9);
	assert_non_null(strstr(g.out, "2\nnacre-reaper\nCapEff:\t0000000000000020\n"));
	/* A default action is taken: the process is not PID 1. */
	shell_plan(&b, &p, "exec sleep 100");
	start(&g, &b);
	send_message(&g, g.fd[CONTROL], MSG_SIGNAL, &m, sizeof(m));
	assert_int_equal(finish_exited(&g), 1u << 16 | SIGTERM);
	/* A signal to PID 1 from inside reaches the process. */
	shell_plan(&b, &p, "trap 'exit 4' USR1; kill -USR1 1; while :; do sleep 0.1; done");
	start(&g, &b);
	assert_int_equal(finish_exited(&g), 4);
}

static void test_terminal(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();
	struct msg_winsize size = { .rows = le16_of(40), .cols = le16_of(132) };

	(void)state;
	p.flags = le32_of(PLAN_TERMINAL);
	p.rows = le16_of(24);
	p.cols = le16_of(80);
	p.uid = le32_of(1000);
	shell_plan(&b, &p,
		   "tty; stty size; read x; echo got $x; stty size; ls -l /dev/console;"
		   "echo console > /dev/console; test -t 0 && echo istty");
	g.tty = true;
	build_end(&b);
	/* begin() clears *g; say it again in between. */
	guest_start(&g);
	g.tty = true;
	send_hello(&g, S_IN, ROLE_STREAM, STREAM_TTY);
	send_hello(&g, CONTROL, ROLE_CONTROL, 0);
	send_message(&g, g.fd[CONTROL], MSG_PLAN, b.buf, b.len);
	expect(&g, MSG_HELLO_ACK);
	expect(&g, MSG_CREATED);
	send_message(&g, g.fd[CONTROL], MSG_START, NULL, 0);
	expect(&g, MSG_STARTED);
	read_until(&g, S_IN, "24 80\r\n");
	send_message(&g, g.fd[CONTROL], MSG_WINSIZE, &size, sizeof(size));
	usleep(100000);
	assert_int_equal(write(g.fd[S_IN], "line\n", 5), 5);
	assert_int_equal(finish_exited(&g), 0);
	assert_non_null(strstr(g.out, "/dev/pts/0\r\n24 80\r\n"));
	assert_non_null(strstr(g.out, "got line\r\n40 132\r\n"));
	assert_non_null(strstr(g.out, "console\r\nistty\r\n"));
}

static void test_control_lost(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();

	(void)state;
	shell_plan(&b, &p, "sleep 1000");
	start(&g, &b);
	finish(&g); /* closing everything must end the container and the machine */

	/* A message that is not allowed is as good as closing. */
	start(&g, &b);
	send_message(&g, g.fd[CONTROL], MSG_START, NULL, 0);
	finish(&g);
	start(&g, &b);
	send_message(&g, g.fd[CONTROL], 77, NULL, 0);
	finish(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_hello_world, end_guest),
		cmocka_unit_test_teardown(test_identity, end_guest),
		cmocka_unit_test_teardown(test_mounts, end_guest),
		cmocka_unit_test_teardown(test_stdin_and_back_pressure, end_guest),
		cmocka_unit_test_teardown(test_host_closes_stdout, end_guest),
		cmocka_unit_test_teardown(test_user_and_home, end_guest),
		cmocka_unit_test_teardown(test_high_ids, end_guest),
		cmocka_unit_test_teardown(test_network_parameters, end_guest),
		cmocka_unit_test_teardown(test_restrictions, end_guest),
		cmocka_unit_test_teardown(test_seccomp, end_guest),
		cmocka_unit_test_teardown(test_failures, end_guest),
		cmocka_unit_test_teardown(test_signals, end_guest),
		cmocka_unit_test_teardown(test_reaper, end_guest),
		cmocka_unit_test_teardown(test_terminal, end_guest),
		cmocka_unit_test_teardown(test_control_lost, end_guest),
	};

	return cmocka_run_group_tests(tests, make_rootfs, remove_rootfs);
}
