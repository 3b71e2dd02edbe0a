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
 * Descriptors beside the standard ones: what passes through them, both ways, and how they end. Needs
 * root, and busybox-static (test_init_harness.h).
 */
#include "test_init_harness.h"

/* Descriptors 3, 4 and 5: one that the process reads, one that it writes, one for both. */
static void add_fds(struct build *b)
{
	for (uint32_t kind = PLAN_FD_READ; kind <= PLAN_FD_BOTH; kind++) {
		struct plan_fd fd = { .kind = le32_of(kind) };

		build_add(b, PLAN_FD, &fd, sizeof(fd), (char *)NULL);
	}
}

/* A container whose process has them. */
static void begin_script(struct guest *g, struct guest *extra, const char *script, bool reaper)
{
	static struct build b;
	struct plan_process p = plain_process();

	p.flags = le32_of(reaper ? PLAN_INIT_REAPER : 0);
	shell_plan(&b, &p, script);
	add_fds(&b);
	build_string(&b, PLAN_ENV, "LISTEN_FDS=3");
	guest_start(g);
	guest_connect_some(extra, g, 3);
	extra->token = g->token;
	/* before the session is known, and behind it */
	send_hello(extra, 0, ROLE_STREAM, STREAM_PRESERVED);
	begin_with(g, MSG_PLAN, &b);
	send_hello(extra, 1, ROLE_STREAM, STREAM_PRESERVED + 1);
	send_hello(extra, 2, ROLE_STREAM, STREAM_PRESERVED + 2);
	expect(g, MSG_CREATED);
	send_message(g, g->fd[CONTROL], MSG_START, NULL, 0);
	expect(g, MSG_STARTED);
}

static void hang_up_extra(struct guest *extra)
{
	for (int i = 0; i < 3; i++)
		close(extra->fd[i]);
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void test_all_kinds(void **state)
{
	static struct guest g, extra;

	(void)state;
	begin_script(&g, &extra,
		     "cat <&3; echo four >&4; read x <&5; echo got $x >&5; cat <&5 >&5;"
		     "echo $LISTEN_FDS $LISTEN_PID $$; [ -p /proc/self/fd/3 ] && [ -p /proc/self/fd/4 ] &&"
		     "[ -S /proc/self/fd/5 ] && [ ! -e /proc/self/fd/19 ] && echo kinds", false);
	put(extra.fd[0], "three\n");
	shutdown(extra.fd[0], SHUT_WR);
	put(extra.fd[2], "five\n");
	read_until(&extra, 2, "got five\n");
	put(extra.fd[2], "echoed\n");
	read_until(&extra, 2, "echoed\n");
	shutdown(extra.fd[2], SHUT_WR);
	read_until(&extra, 1, "four\n");
	assert_int_equal(output_exited(&g), 0);
	assert_string_equal(g.out, "three\n3 1 1\nkinds\n");
	read_all(&extra, 1); /* they end */
	read_all(&extra, 2);
	hang_up_extra(&extra);
	finish(&g);
}

/* With a reaper as well; the process writes to where the host reads late, and ends. */
static void test_output_before_the_end(void **state)
{
	static struct guest g, extra;
	size_t n = 0;
	char buf[4096];
	ssize_t got;

	(void)state;
	begin_script(&g, &extra,
		     "yes | head -c 200000 >&5; yes | head -c 100000 >&4; echo $LISTEN_PID; exec 5>&-",
		     true);
	while ((got = read(extra.fd[2], buf, sizeof(buf))) > 0)
		n += (size_t)got;
	assert_int_equal(n, 200000);
	for (n = 0; (got = read(extra.fd[1], buf, sizeof(buf))) > 0;)
		n += (size_t)got;
	assert_int_equal(n, 100000);
	assert_int_equal(output_exited(&g), 0);
	assert_string_equal(g.out, "2\n");
	hang_up_extra(&extra);
	finish(&g);
}

/* The host's sides that end: an end of file, and a broken pipe. */
static void test_ends_of_the_host(void **state)
{
	static struct guest g, extra;

	(void)state;
	begin_script(&g, &extra,
		     "cat <&3; cat <&5; while echo x >&4; do sleep 0.1; done 2>/dev/null;"
		     "while echo x >&5; do sleep 0.1; done 2>/dev/null; echo over", false);
	hang_up_extra(&extra);
	assert_int_equal(output_exited(&g), 0);
	assert_string_equal(g.out, "over\n");
	finish(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_all_kinds, end_guest),
		cmocka_unit_test_teardown(test_output_before_the_end, end_guest),
		cmocka_unit_test_teardown(test_ends_of_the_host, end_guest),
	};

	return cmocka_run_group_tests(tests, make_rootfs, remove_rootfs);
}
