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
 * Questions about a container and orders to it, on query connections. Needs root, and busybox-static
 * (test_init_harness.h).
 */
#include <sched.h>
#include <time.h>

#include "guest-init/query.h"
#include "test_init_harness.h"

static void query_connect(struct guest *q, const struct guest *g)
{
	guest_connect_some(q, g, 1);
	send_hello(q, CONTROL, ROLE_QUERY, 0);
	expect(q, MSG_HELLO_ACK);
}

static void ask(struct guest *q, uint16_t type, const void *body, size_t len)
{
	send_message(q, q->fd[CONTROL], type, body, len);
}

/* The processes of the container, until DONE. */
static size_t list(struct guest *q, struct msg_process *p, size_t room)
{
	uint8_t body[PROTO_SMALL_MAX];
	size_t len, n = 0;
	uint16_t type;

	ask(q, MSG_LIST, NULL, 0);
	while ((type = receive(q, body, &len)) == MSG_PROCESSES) {
		assert_true(len > 0 && len % sizeof(*p) == 0);
		assert_true(n + len / sizeof(*p) <= room);
		memcpy(p + n, body, len);
		n += len / sizeof(*p);
	}
	assert_int_equal(type, MSG_DONE);
	return n;
}

static void wait_for_processes(struct guest *q, size_t n, struct msg_process *p, size_t room)
{
	for (int i = 0; i < 200; i++) {
		if (list(q, p, room) == n)
			return;
		usleep(20000);
	}
	fail_msg("expected %zu processes, there are %zu", n, list(q, p, room));
}

static void test_list(void **state)
{
	static struct guest g, q;
	static struct msg_process p[100];
	uint64_t now = (uint64_t)time(NULL);

	(void)state;
	start_container(&g);
	query_connect(&q, &g);
	assert_int_equal(list(&q, p, 100), 1);
	assert_int_equal(le32_get(p[0].pid), 1);
	assert_int_equal(le32_get(p[0].parent), 0);
	assert_int_equal(le32_get(p[0].uid), 0);
	assert_int_equal(strncmp((char *)p[0].command, "sh -c echo ready; while", 23), 0);
	assert_true(le64_get(p[0].started) + 20 > now && le64_get(p[0].started) < now + 20);
	assert_string_equal((char *)p[0].comm, "sh");
	assert_true(p[0].stat[0] == 'S' || p[0].stat[0] == 'R');
	assert_true(le64_get(p[0].resident) > 0);
	assert_true(le64_get(p[0].virtual_size) >= le64_get(p[0].resident));

	say(&g, "sleep 1000 &\n");
	wait_for_processes(&q, 2, p, 100);
	assert_int_equal(le32_get(p[1].pid), 2);
	assert_int_equal(le32_get(p[1].parent), 1);
	/* More than one message holds. */
	say(&g, "i=0; while [ $i -lt 60 ]; do sleep 1001 & i=$((i+1)); done; echo made\n");
	wait_for_processes(&q, 62, p, 100);
	for (size_t i = 0; i < 62; i++)
		assert_int_equal(le32_get(p[i].pid), i + 1);
	hang_up(&q);
	shutdown(g.fd[S_IN], SHUT_WR);
	assert_int_equal(finish_exited(&g), 0);
}

static void expect_text(struct guest *q, const char *text)
{
	uint8_t body[PROTO_SMALL_MAX + 1];
	size_t len;

	assert_int_equal(receive(q, body, &len), MSG_FAILED);
	body[len] = 0;
	assert_string_equal((char *)body + sizeof(struct msg_failed), text);
}

static void test_kill(void **state)
{
	static struct guest g, q;
	static struct msg_process p[10];
	struct msg_kill kill_2 = { .signo = le32_of(SIGTERM), .pid = le32_of(2) };
	struct msg_kill kill_99 = { .signo = le32_of(SIGTERM), .pid = le32_of(99) };
	struct msg_kill usr1_all = { .signo = le32_of(SIGUSR1) };
	struct msg_kill kill_all = { .signo = le32_of(SIGKILL) };
	char out[64] = "";
	size_t n = 0;

	(void)state;
	start_container(&g);
	query_connect(&q, &g);
	say(&g, "trap 'echo main' USR1; (trap 'echo sub; exit' USR1; echo s; while :; do sleep 0.1;"
		" done) & sleep 0.5; echo go; sleep 1000 & wait; wait; echo over\n");
	while (!strstr(out, "go"))
		n += (size_t)read(g.fd[S_OUT], out + n, sizeof(out) - 1 - n);
	ask(&q, MSG_KILL, &usr1_all, sizeof(usr1_all));
	expect(&q, MSG_DONE);
	while (!strstr(out, "sub") || !strstr(out, "main"))
		n += (size_t)read(g.fd[S_OUT], out + n, sizeof(out) - 1 - n);
	ask(&q, MSG_KILL, &kill_99, sizeof(kill_99));
	expect_text(&q, "process 99: no such process");
	kill_2.pid = le32_of(1); /* PID 1 has no handler: nothing happens, as the kernel has it */
	ask(&q, MSG_KILL, &kill_2, sizeof(kill_2));
	expect(&q, MSG_DONE);
	assert_true(list(&q, p, 10) >= 1);
	ask(&q, MSG_KILL, &kill_all, sizeof(kill_all));
	expect(&q, MSG_DONE);
	assert_int_equal(output_exited(&g), 0x10000 | SIGKILL);
	hang_up(&q);
	query_connect(&q, &g);
	ask(&q, MSG_LIST, NULL, 0);
	expect_text(&q, "container not running");
	hang_up(&q);
	finish(&g);
}

static void test_stats_and_update(void **state)
{
	static struct guest g, q;
	static const char bad_name[] = "../x\0001", no_value[] = "memory.max",
			  kill_file[] = "cgroup.kill\0001", none[] = "memory.none\0001";
	struct le64 figures[FIGURE_COUNT];
	uint8_t body[PROTO_SMALL_MAX];
	size_t len;

	(void)state;
	start_container(&g);
	query_connect(&q, &g);
	ask(&q, MSG_STATS, NULL, 0);
	assert_int_equal(receive(&q, body, &len), MSG_FIGURES);
	assert_int_equal(len, sizeof(figures));
	ask(&q, MSG_UPDATE, none, sizeof(none));
	expect_text(&q, "memory.none = \"1\": no such file or directory");
	ask(&q, MSG_SYNC, NULL, 0);
	expect(&q, MSG_DONE);
	/* What is no update ends the connection. */
	ask(&q, MSG_UPDATE, bad_name, sizeof(bad_name));
	assert_int_equal(receive(&q, body, &len), 0);
	hang_up(&q);
	query_connect(&q, &g);
	ask(&q, MSG_UPDATE, no_value, sizeof(no_value));
	assert_int_equal(receive(&q, body, &len), 0);
	hang_up(&q);
	query_connect(&q, &g);
	ask(&q, MSG_UPDATE, kill_file, sizeof(kill_file));
	assert_int_equal(receive(&q, body, &len), 0);
	hang_up(&q);
	/* And so does any other message out of place. */
	for (uint16_t type = 0; type < 30; type++) {
		if ((type >= MSG_KILL && type <= MSG_LIST) || type == MSG_STATS ||
		    type == MSG_WATCH || type == MSG_SET_CLOCK)
			continue;
		query_connect(&q, &g);
		ask(&q, type, "0123456789", 10);
		assert_int_equal(receive(&q, body, &len), 0);
		hang_up(&q);
	}
	shutdown(g.fd[S_IN], SHUT_WR);
	assert_int_equal(finish_exited(&g), 0);
}

/* A host that leaves its queries open or unread holds up neither others nor the end. */
/* What the kernel of this machine says of a process that it confines. */
static void test_layers(void **state)
{
	static struct guest g, q;
	uint8_t body[PROTO_SMALL_MAX];
	struct msg_layers m;
	size_t len;

	(void)state;
	start_container(&g);
	query_connect(&q, &g);
	ask(&q, MSG_LAYERS, NULL, 0);
	assert_int_equal(receive(&q, body, &len), MSG_LAYERS_FOUND);
	assert_int_equal(len, sizeof(m));
	memcpy(&m, body, sizeof(m));
	assert_true(le32_get(m.namespaces) & CLONE_NEWPID);
	assert_true(le32_get(m.namespaces) & CLONE_NEWUSER);
	assert_true(le32_get(m.namespaces) & CLONE_NEWNS);
	assert_true(le32_get(m.uid_outside) != 0);
	assert_true(le64_get(m.nofile) > 0);
	assert_true(m.release[0] != 0);
	hang_up(&q);
	shutdown(g.fd[S_IN], SHUT_WR);
	assert_int_equal(finish_exited(&g), 0);
}

static void test_many_and_silent(void **state)
{
	enum { N = 20 };
	static struct guest g, q[N];
	static struct msg_process p[10];

	(void)state;
	start_container(&g);
	for (int i = 0; i < N; i++)
		query_connect(&q[i], &g);
	for (int i = 0; i < N; i++)
		ask(&q[i], MSG_LIST, NULL, 0);
	for (int i = N - 1; i > 0; i--) {
		expect(&q[i], MSG_PROCESSES);
		expect(&q[i], MSG_DONE);
		assert_int_equal(list(&q[i], p, 10), 1);
	}
	shutdown(g.fd[S_IN], SHUT_WR);
	assert_int_equal(finish_exited(&g), 0);
	for (int i = 0; i < N; i++)
		hang_up(&q[i]);
}

/* One more than can be served is told so; when another has gone there is room. */
static void test_too_many(void **state)
{
	static struct guest g, q[QUERIES_MAX + 1];
	struct guest *last = &q[QUERIES_MAX];
	uint8_t body[PROTO_SMALL_MAX];
	uint16_t type = MSG_FAILED;
	size_t len;

	(void)state;
	start_container(&g);
	for (unsigned int i = 0; i < QUERIES_MAX; i++)
		query_connect(&q[i], &g);
	guest_connect_some(last, &g, 1);
	send_hello(last, CONTROL, ROLE_QUERY, 0);
	expect_text(last, "32 callers ask of the virtual machine already, as many as it takes");
	assert_int_equal(receive(last, body, &len), 0);
	hang_up(last);
	hang_up(&q[0]);
	for (int i = 0; i < 200 && type == MSG_FAILED; i++) {
		usleep(20000); /* until its child has ended */
		guest_connect_some(last, &g, 1);
		send_hello(last, CONTROL, ROLE_QUERY, 0);
		type = receive(last, body, &len);
		if (type == MSG_FAILED)
			hang_up(last);
	}
	assert_int_equal(type, MSG_HELLO_ACK);
	for (unsigned int i = 1; i <= QUERIES_MAX; i++)
		hang_up(&q[i]);
	shutdown(g.fd[S_IN], SHUT_WR);
	assert_int_equal(finish_exited(&g), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_list, end_guest),
		cmocka_unit_test_teardown(test_too_many, end_guest),
		cmocka_unit_test_teardown(test_kill, end_guest),
		cmocka_unit_test_teardown(test_stats_and_update, end_guest),
		cmocka_unit_test_teardown(test_layers, end_guest),
		cmocka_unit_test_teardown(test_many_and_silent, end_guest),
	};

	return cmocka_run_group_tests(tests, make_rootfs, remove_rootfs);
}
