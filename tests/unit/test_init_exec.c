/* SPDX-License-Identifier: Apache-2.0 */
/* SOURCES: guest-init/loop.c guest-init/wire.c guest-init/pump.c guest-init/hello.c */
/* SOURCES: guest-init/session.c guest-init/birth.c guest-init/orders.c guest-init/clock.c guest-init/ending.c */
/* SOURCES: guest-init/oom.c */
/* SOURCES: guest-init/children.c guest-init/process_tree.c guest-init/procfs.c guest-init/query.c */
/* SOURCES: guest-init/query_orders.c guest-init/layers.c guest-init/processes.c guest-init/figures.c */
/* SOURCES: guest-init/container.c guest-init/cgroup.c guest-init/machine.c */
/* SOURCES: guest-init/plan_read.c guest-init/report.c guest-init/setup.c guest-init/process.c guest-init/notify.c guest-init/ends.c guest-init/start_hooks.c guest-init/blocks.c */
/* SOURCES: guest-init/creds.c guest-init/mounts.c guest-init/devices.c guest-init/terminal.c */
/* SOURCES: guest-init/copy_up.c guest-init/network.c guest-init/netlink.c guest-init/blocks.c guest-init/resolver.c guest-init/resolver_tcp.c */
/* SOURCES: guest-init/rootpath.c guest-init/exec_path.c guest-init/home.c guest-init/sysctl.c */
/* SOURCES: guest-init/reaper.c */
/*
 * Processes that join a running container (exec): where they are, what they are and may do, how
 * they and their container end. Needs root, and busybox-static (test_init_harness.h).
 */
#include "test_init_harness.h"

static struct plan_process joining(void)
{
	struct plan_process p = plain_process();

	p.namespaces_lo = le32_of(0);
	return p;
}

static void exec_plan(struct build *b, const struct plan_process *p, const char *script)
{
	build_begin(b, p);
	build_string(b, PLAN_ARG, "sh");
	build_string(b, PLAN_ARG, "-c");
	build_string(b, PLAN_ARG, script);
	build_string(b, PLAN_ENV, "PATH=/sbin:/bin");
	build_string(b, PLAN_CWD, "/");
}

/* Starts a process in the container of `g`. */
static void exec_start(struct guest *x, const struct guest *g, struct build *b)
{
	guest_connect(x, g);
	begin_with(x, MSG_EXEC, b);
	expect(x, MSG_CREATED);
	send_message(x, x->fd[CONTROL], MSG_START, NULL, 0);
	expect(x, MSG_STARTED);
}

static void exec_script(struct guest *x, const struct guest *g, const char *script)
{
	static struct build b;
	struct plan_process p = joining();

	exec_plan(&b, &p, script);
	exec_start(x, g, &b);
}

static void end_container(struct guest *g)
{
	shutdown(g->fd[S_IN], SHUT_WR);
	assert_int_equal(finish_exited(g), 0);
}

/* Runs a script in the container to its end. */
static unsigned int exec_run(struct guest *x, const struct guest *g, const char *script)
{
	unsigned int r;

	exec_script(x, g, script);
	shutdown(x->fd[S_IN], SHUT_WR);
	r = output_exited(x);
	hang_up(x);
	return r;
}

static void test_namespaces_and_cgroup(void **state)
{
	static struct guest g, x;
	static char of_main[8192];
	const char *const script =
		"for n in user mnt pid net ipc uts cgroup; do readlink /proc/$$/ns/$n; done;"
		"cat /proc/self/cgroup; pwd; readlink /proc/self/root; cat /etc/plain";

	(void)state;
	start_container(&g);
	assert_int_equal(exec_run(&x, &g, script), 0);
	memcpy(of_main, x.out, sizeof(of_main));
	assert_non_null(strstr(x.out, "0::/\n/\n/\ndata\n"));
	/* The container's own process sees the same. */
	say(&g, script);
	say(&g, "; exit 0\n");
	g.out_len = 0;
	assert_int_equal(finish_exited(&g), 0);
	assert_string_equal(g.out, of_main);
}

static void test_status_and_streams(void **state)
{
	static struct guest g, x;

	(void)state;
	start_container(&g);
	assert_int_equal(exec_run(&x, &g, "echo out; echo err >&2; exit 9"), 9);
	assert_string_equal(x.out, "out\nerr\n");
	assert_int_equal(exec_run(&x, &g, "kill -TERM $$"), 0x10000 | SIGTERM);
	exec_script(&x, &g, "cat; echo end");
	say(&x, "through\n");
	shutdown(x.fd[S_IN], SHUT_WR);
	assert_int_equal(output_exited(&x), 0);
	assert_string_equal(x.out, "through\nend\n");
	hang_up(&x);
	end_container(&g);
}

static void test_user_and_restrictions(void **state)
{
	static struct guest g, x;
	static struct build b;
	static const char *const expected[] = {
		"1000\n1001\n1000 1001 7\n", "/tmp\n", "HOME=/home/user", "V=1",
		"NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000400",
		"CapEff:\t0000000000000000", "123\n", "0077", "OOM 500\n",
	};
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct plan_seccomp seccomp = { .n_insns = le32_of(1) };
	struct plan_rlimit files = { .resource = le32_of(RLIMIT_NOFILE), .soft = le64_of(123),
				     .hard = le64_of(456) };
	struct {
		struct plan_seccomp head;
		struct sock_filter insn;
	} filter = { seccomp, allow };
	struct le32 group = le32_of(7);
	struct plan_process p = joining();

	(void)state;
	p.uid = le32_of(1000);
	p.gid = le32_of(1001);
	p.umask = le32_of(077);
	p.oom_score_adj = le32_of(500);
	p.flags = le32_of(PLAN_NO_NEW_PRIVS);
	memset(p.caps, 0, sizeof(p.caps));
	p.caps[CAP_SET_BOUNDING] = le64_of(0x400);
	start_container(&g);
	plan_script(&b, &p, "sh",
		     "id -u; id -g; echo $(id -u) $(id -G); pwd; echo HOME=$HOME V=$V;"
		     "grep -E 'Cap|NoNew|Seccomp:' /proc/self/status; ulimit -n; umask;"
		     "echo OOM $(cat /proc/self/oom_score_adj)");
	build_string(&b, PLAN_ENV, "PATH=/sbin:/bin");
	build_string(&b, PLAN_ENV, "V=1");
	build_string(&b, PLAN_CWD, "/tmp");
	build_add(&b, PLAN_GROUP, &group, sizeof(group), (char *)NULL);
	build_add(&b, PLAN_RLIMIT, &files, sizeof(files), (char *)NULL);
	build_add(&b, PLAN_SECCOMP, &filter, sizeof(filter), (char *)NULL);
	say(&g, "mkdir -p /tmp; echo made\n");
	assert_true(read(g.fd[S_OUT], x.out, 5) == 5);
	exec_start(&x, &g, &b);
	shutdown(x.fd[S_IN], SHUT_WR);
	assert_int_equal(output_exited(&x), 0);
	hang_up(&x);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		if (!strstr(x.out, expected[i]))
			fail_msg("expected %s in:\n%s", expected[i], x.out);
	}
	end_container(&g);
}

static void expect_exec_failed(const struct guest *g, const char *command, const char *cwd,
			       uint16_t code, const char *text)
{
	static struct guest x;
	static struct build b;
	struct plan_process p = joining();
	uint8_t body[PROTO_SMALL_MAX + 1];
	size_t len;

	build_begin(&b, &p);
	build_string(&b, PLAN_ARG, command);
	build_string(&b, PLAN_ENV, "PATH=/sbin:/bin");
	build_string(&b, PLAN_CWD, cwd);
	guest_connect(&x, g);
	begin_with(&x, MSG_EXEC, &b);
	assert_int_equal(receive(&x, body, &len), MSG_FAILED);
	body[len] = 0;
	assert_int_equal(body[0] | body[1] << 8, code);
	assert_string_equal((char *)body + sizeof(struct msg_failed), text);
	hang_up(&x);
}

static void test_failures(void **state)
{
	static struct guest g;

	(void)state;
	start_container(&g);
	expect_exec_failed(&g, "none", "/", 127,
			   "exec: \"none\": executable file not found in $PATH");
	expect_exec_failed(&g, "/bin/none", "/", 127,
			   "exec \"/bin/none\": no such file or directory");
	expect_exec_failed(&g, "/etc/plain", "/", 126, "exec: \"/etc/plain\": permission denied");
	expect_exec_failed(&g, "sh", "/none", 125,
			   "chdir to cwd (\"/none\"): no such file or directory");
	end_container(&g);
}

/* Records that would change the container, and a container that there is not. */
static void test_plans_refused(void **state)
{
	static struct guest g, x;
	static struct build b;
	struct plan_process p = joining();
	struct plan_root root = { .flags = le32_of(0) };
	struct msg_header h = { .type = le16_of(MSG_EXEC), .container = le32_of(1) };

	(void)state;
	start_container(&g);
	exec_plan(&b, &p, "echo never");
	build_add(&b, PLAN_ROOT, &root, sizeof(root), (char *)NULL);
	guest_connect(&x, &g);
	begin_with(&x, MSG_EXEC, &b);
	expect(&x, MSG_FAILED);
	hang_up(&x);

	p.namespaces_lo = le32_of(CLONE_NEWNET);
	exec_plan(&b, &p, "echo never");
	guest_connect(&x, &g);
	begin_with(&x, MSG_EXEC, &b);
	expect(&x, MSG_FAILED);
	hang_up(&x);

	/* Container 1 is another session's word for a container that was never made. */
	guest_connect(&x, &g);
	send_hello(&x, CONTROL, ROLE_CONTROL, 0);
	expect(&x, MSG_HELLO_ACK);
	h.len = le32_of(sizeof(h));
	assert_int_equal(send(x.fd[CONTROL], &h, sizeof(h), MSG_NOSIGNAL), sizeof(h));
	assert_int_equal(receive(&x, b.buf, &(size_t){ 0 }), 0);
	hang_up(&x);
	end_container(&g);
}

/* The first process is held, not started: there is a container to join already. */
static void test_join_before_start(void **state)
{
	static struct guest g, x;
	static struct build b;
	struct plan_process p = plain_process();

	(void)state;
	shell_plan(&b, &p, "echo main");
	begin(&g, &b);
	expect(&g, MSG_CREATED);
	assert_int_equal(exec_run(&x, &g, "echo $(cat /etc/plain)"), 0);
	assert_string_equal(x.out, "data\n");
	send_message(&g, g.fd[CONTROL], MSG_START, NULL, 0);
	expect(&g, MSG_STARTED);
	assert_int_equal(finish_exited(&g), 0);
	assert_string_equal(g.out, "main\n");
}

static void test_many(void **state)
{
	enum { N = 12 };
	static struct guest g, x[N];

	(void)state;
	start_container(&g);
	for (uint8_t i = 0; i < N; i++)
		exec_script(&x[i], &g, "read n; echo $n; exit $n");
	for (int i = N - 1; i >= 0; i--) {
		char line[16];

		snprintf(line, sizeof(line), "%d\n", i + 10);
		say(&x[i], line);
		assert_int_equal(output_exited(&x[i]), i + 10);
		assert_string_equal(x[i].out, line);
		hang_up(&x[i]);
	}
	end_container(&g);
}

/* One more than the table has room for is told so, and is not taken for one whose container has ended. */
static void test_too_many(void **state)
{
	enum { N = SESSIONS_MAX - 1 }; /* the container's own is the first */
	static const char text[] = "there are 128 processes that were started from outside already, as many "
				   "as a virtual machine takes";
	static struct guest g, held[N], x;
	static struct build b;
	struct plan_process p = joining();
	uint8_t body[PROTO_SMALL_MAX];
	size_t len;

	(void)state;
	start_container(&g);
	for (unsigned int i = 0; i < N; i++) {
		guest_connect_some(&held[i], &g, 1);
		send_hello(&held[i], CONTROL, ROLE_CONTROL, 0);
		expect(&held[i], MSG_HELLO_ACK);
	}
	for (unsigned int i = 0; i < 2 * SESSIONS_REFUSED; i++) {
		exec_plan(&b, &p, "true");
		guest_connect(&x, &g);
		begin_with(&x, MSG_EXEC, &b);
		assert_int_equal(receive(&x, body, &len), MSG_FAILED);
		assert_int_equal(body[0] | body[1] << 8, FAILED_NACRE);
		assert_int_equal(len - 4, strlen(text));
		assert_memory_equal(body + 4, text, len - 4);
		hang_up(&x);
	}
	hang_up(&held[0]);
	assert_int_equal(exec_run(&x, &g, "exit 3"), 3);
	for (unsigned int i = 1; i < N; i++)
		hang_up(&held[i]);
	end_container(&g);
}

static void test_terminal(void **state)
{
	static struct guest g, x;
	static struct build b;
	struct plan_process p = joining();
	struct msg_winsize size = { .rows = le16_of(40), .cols = le16_of(132) };

	(void)state;
	start_container(&g);
	p.flags = le32_of(PLAN_TERMINAL);
	p.rows = le16_of(24);
	p.cols = le16_of(80);
	p.uid = le32_of(1000);
	exec_plan(&b, &p, "tty; stty size; read x; stty size; echo x > /dev/tty && echo istty");
	guest_connect(&x, &g);
	x.tty = true;
	begin_with(&x, MSG_EXEC, &b);
	expect(&x, MSG_CREATED);
	send_message(&x, x.fd[CONTROL], MSG_WINSIZE, &size, sizeof(size));
	send_message(&x, x.fd[CONTROL], MSG_START, NULL, 0);
	expect(&x, MSG_STARTED);
	read_until(&x, S_IN, "40 132\r\n");
	say(&x, "line\n");
	assert_int_equal(output_exited(&x), 0);
	assert_non_null(strstr(x.out, "/dev/pts/0\r\n40 132\r\n"));
	assert_non_null(strstr(x.out, "istty\r\n"));
	hang_up(&x);
	end_container(&g);
}

/* As runc has it: what is not shown by a terminal has no CR before its newlines. */
static void test_terminal_into_a_file(void **state)
{
	static struct guest g, x;
	static struct build b;
	struct plan_process p = joining();

	(void)state;
	start_container(&g);
	p.flags = le32_of(PLAN_TERMINAL | PLAN_PLAIN_LINES);
	exec_plan(&b, &p, "test -t 1 && echo one; echo two");
	guest_connect(&x, &g);
	x.tty = true;
	begin_with(&x, MSG_EXEC, &b);
	expect(&x, MSG_CREATED);
	send_message(&x, x.fd[CONTROL], MSG_START, NULL, 0);
	expect(&x, MSG_STARTED);
	assert_int_equal(output_exited(&x), 0);
	assert_string_equal(x.out, "one\ntwo\n");
	hang_up(&x);
	end_container(&g);
}

/* How many processes of the container live, but its shell and what counts them. */
static unsigned int others(const struct guest *g)
{
	static struct guest x;

	assert_int_equal(exec_run(&x, g,
				  "n=0; for f in /proc/[0-9]*/stat; do read -r l < $f && case $l in "
				  "*') Z'*) ;; *) n=$((n+1));; esac; done; echo $n"),
			 0);
	/* PID 1 and this shell */
	return (unsigned int)strtoul(x.out, NULL, 10) - 2;
}

static void wait_for_others(const struct guest *g, unsigned int n)
{
	static struct guest x;

	for (int i = 0; i < 100; i++) {
		if (others(g) == n)
			return;
		usleep(50000);
	}
	(void)exec_run(&x, g, "ps -o pid,ppid,stat,args");
	fail_msg("expected %u processes beside the shells, there are:\n%s", n, x.out);
}

/* The host lets go: the process and what came of it end, and nothing else. */
static void test_control_lost(void **state)
{
	static struct guest g, x;

	(void)state;
	start_container(&g);
	say(&g, "sleep 1000 &\n");
	wait_for_others(&g, 1);
	/* A child, one whose parent is gone, and one with a session of its own. */
	exec_script(&x, &g, "sleep 1001 & (sleep 1002 &) ; setsid sleep 1003 & echo go; sleep 1004; :");
	assert_true(read(x.fd[S_OUT], x.out, 3) == 3);
	wait_for_others(&g, 6);
	hang_up(&x);
	wait_for_others(&g, 1);

	/* A message that is not allowed is as good as closing. */
	exec_script(&x, &g, "sleep 1005");
	send_message(&x, x.fd[CONTROL], MSG_PLAN, NULL, 0);
	wait_for_others(&g, 1);
	hang_up(&x);
	say(&g, "kill %1\n");
	end_container(&g);
}

/* What the process leaves behind holds its output, and must hold up nobody. */
static void test_daemon_left(void **state)
{
	static struct guest g, x;

	(void)state;
	start_container(&g);
	assert_int_equal(exec_run(&x, &g, "sleep 1000 & echo done"), 0);
	assert_string_equal(x.out, "done\n");
	assert_int_equal(exec_run(&x, &g, "sleep 1000 & yes | head -c 200000"), 0);
	assert_int_equal(x.out_len, sizeof(x.out) - 1);
	assert_int_equal(others(&g), 2);
	end_container(&g);
}

static void test_container_ends(void **state)
{
	static struct guest g, x;
	static struct build b;
	struct plan_process p = joining();
	uint8_t body[PROTO_SMALL_MAX];
	size_t len;

	(void)state;
	start_container(&g);
	exec_script(&x, &g, "sleep 1000");
	shutdown(g.fd[S_IN], SHUT_WR);
	assert_int_equal(output_exited(&g), 0);
	assert_int_equal(output_exited(&x), 0x10000 | SIGKILL);
	hang_up(&x);
	/* There is nothing to join any more. */
	exec_plan(&b, &p, "echo never");
	guest_connect(&x, &g);
	begin_with(&x, MSG_EXEC, &b);
	assert_int_equal(receive(&x, body, &len), MSG_FAILED);
	body[len] = 0;
	assert_string_equal((char *)body + sizeof(struct msg_failed), "container not running");
	hang_up(&x);
	finish(&g);
}

static void test_signals(void **state)
{
	static struct guest g, x;
	struct msg_signal usr1 = { .signo = le32_of(SIGUSR1) };
	struct msg_signal all = { .signo = le32_of(SIGKILL), .scope = le32_of(SIGNAL_ALL) };

	(void)state;
	start_container(&g);
	exec_script(&x, &g, "trap 'echo usr1; exit 3' USR1; echo go; while :; do sleep 0.1; done");
	assert_true(read(x.fd[S_OUT], x.out, 3) == 3);
	send_message(&x, x.fd[CONTROL], MSG_SIGNAL, &usr1, sizeof(usr1));
	assert_int_equal(output_exited(&x), 3);
	assert_string_equal(x.out, "usr1\n");
	hang_up(&x);
	/* A joined process' session has no say over the others. */
	exec_script(&x, &g, "sleep 1000");
	send_message(&x, x.fd[CONTROL], MSG_SIGNAL, &all, sizeof(all));
	hang_up(&x);
	wait_for_others(&g, 0);
	end_container(&g);
}

/* A container that has cgroups of its own, with controllers: exec goes where its PID 1 is. */
static void test_own_cgroups(void **state)
{
	static struct guest g, x;
	static struct build b;
	struct plan_process p = plain_process();

	(void)state;
	plan_script(&b, &p, "sh",
		     "cd /sys/fs/cgroup && mkdir sub sub/deep other && echo 1 > sub/cgroup.procs &&"
			   "for c in $(cat cgroup.controllers); do echo +$c > cgroup.subtree_control; done;"
			   "echo max > cgroup.max.depth || echo limits stay; cat cgroup.subtree_control;"
			   "echo ready; read x; true");
	add_usual_with(&b, "/", 0);
	start(&g, &b);
	read_until(&g, S_OUT, "ready\n");
	if (!strstr(g.out, "limits stay\n"))
		fail_msg("%s", g.out);
	assert_int_equal(exec_run(&x, &g, "cat /proc/self/cgroup"), 0);
	/* without a controller there is no constraint, and it is in the container's cgroup */
	if (strstr(g.out, "limits stay\nready") || strstr(g.out, "limits stay\n\nready"))
		print_message("this host gives no controller to version 2\n");
	else if (!strstr(x.out, "0::/sub\n"))
		fail_msg("%s%s", g.out, x.out);
	end_container(&g);
}

/* Nothing in the container may look into a process that is on its way in. */
static void test_not_dumpable(void **state)
{
	static struct guest g, x;
	static struct build b;
	struct plan_process p = joining();
	char out[256] = "";
	size_t n = 0;

	(void)state;
	start_container(&g);
	exec_plan(&b, &p, "echo in");
	guest_connect(&x, &g);
	begin_with(&x, MSG_EXEC, &b);
	expect(&x, MSG_CREATED); /* held; it is the second process of the container */
	say(&g, "for f in maps exe root cwd fd/0; do readlink /proc/2/$f || cat /proc/2/$f && "
		"echo seen $f; done 2>/dev/null; ls /proc/2/status; echo over\n");
	while (!strstr(out, "over"))
		n += (size_t)read(g.fd[S_OUT], out + n, sizeof(out) - 1 - n);
	assert_string_equal(out, "/proc/2/status\nover\n");
	send_message(&x, x.fd[CONTROL], MSG_START, NULL, 0);
	expect(&x, MSG_STARTED);
	assert_int_equal(output_exited(&x), 0);
	hang_up(&x);
	end_container(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_namespaces_and_cgroup, end_guest),
		cmocka_unit_test_teardown(test_status_and_streams, end_guest),
		cmocka_unit_test_teardown(test_user_and_restrictions, end_guest),
		cmocka_unit_test_teardown(test_failures, end_guest),
		cmocka_unit_test_teardown(test_plans_refused, end_guest),
		cmocka_unit_test_teardown(test_join_before_start, end_guest),
		cmocka_unit_test_teardown(test_many, end_guest),
		cmocka_unit_test_teardown(test_too_many, end_guest),
		cmocka_unit_test_teardown(test_terminal, end_guest),
		cmocka_unit_test_teardown(test_terminal_into_a_file, end_guest),
		cmocka_unit_test_teardown(test_control_lost, end_guest),
		cmocka_unit_test_teardown(test_daemon_left, end_guest),
		cmocka_unit_test_teardown(test_container_ends, end_guest),
		cmocka_unit_test_teardown(test_signals, end_guest),
		cmocka_unit_test_teardown(test_not_dumpable, end_guest),
		cmocka_unit_test_teardown(test_own_cgroups, end_guest),
	};

	return cmocka_run_group_tests(tests, make_rootfs, remove_rootfs);
}
