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
 * startContainer hooks in the container: what they get, when they run, what their failure does. Needs
 * root, and busybox-static (test_init_harness.h).
 */
#include "test_init_harness.h"

static void add_state(struct build *b)
{
	build_string(b, PLAN_HOOK_STATE, "{\"id\":\"c1\",\"status\":\"created\"}");
}

/* A hook that is a shell's script, with A=x in its environment. */
static void add_hook(struct build *b, const char *script, uint32_t timeout_s)
{
	struct plan_hook hook = { .timeout_s = le32_of(timeout_s), .n_args = le32_of(4),
				  .n_env = le32_of(1) };

	build_add(b, PLAN_HOOK, &hook, sizeof(hook), "/bin/sh", "sh", "-c", script, "zero", "A=x",
		  (char *)NULL);
}

static void test_what_it_gets(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();
	struct plan_hook inheriting = { .n_args = le32_of(3), .inherits = le32_of(1) };

	(void)state;
	p.uid = le32_of(1000);
	p.flags = le32_of(PLAN_NO_NEW_PRIVS);
	shell_plan(&b, &p, "cat /dev/shm/told; rm /dev/shm/told");
	add_state(&b);
	add_hook(&b, "echo nothing of this is passed on; cat > /dev/shm/told; echo >> /dev/shm/told;"
		     "echo $0 $A $(id -u) $PPID $(ls /proc/self/fd | wc -l) >> /dev/shm/told;"
		     "grep NoNew /proc/self/status >> /dev/shm/told", 0);
	add_hook(&b, "echo second $A >> /dev/shm/told", 100);
	build_add(&b, PLAN_HOOK, &inheriting, sizeof(inheriting), "/bin/sh", "sh", "-c",
		  "echo $A, ${PATH:+a path}, ${HOME:+a home} >> /dev/shm/told", (char *)NULL);
	begin(&g, &b);
	expect(&g, MSG_CREATED);
	send_message(&g, g.fd[CONTROL], MSG_START, NULL, 0);
	expect(&g, MSG_STARTED);
	assert_int_equal(finish_exited(&g), 0);
	assert_string_equal(g.out, "{\"pid\":1,\"id\":\"c1\",\"status\":\"created\"}\n"
				   "zero x 1000 1 4\nNoNewPrivs:\t1\nsecond x\n, a path, a home\n");
}

/* It is not the process that reads its own output, and it may leave something behind. */
static void test_much_output_and_a_daemon(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();

	(void)state;
	p.flags = le32_of(PLAN_INIT_REAPER);
	shell_plan(&b, &p, "ps | grep -c 'sleep 100[0]'; echo over");
	add_state(&b);
	add_hook(&b, "yes | head -c 300000; sleep 1000 &", 0);
	start(&g, &b);
	assert_int_equal(finish_exited(&g), 0);
	assert_string_equal(g.out, "1\nover\n");
}

/* The process is not executed then. */
static void expect_failure(const char *script, uint32_t timeout_s, const char *text)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();
	uint8_t body[PROTO_SMALL_MAX + 1] = { 0 };
	size_t len;

	shell_plan(&b, &p, "echo it runs");
	add_state(&b);
	if (script)
		add_hook(&b, script, timeout_s);
	else
		build_add(&b, PLAN_HOOK, &(struct plan_hook){ .n_args = le32_of(1) },
			  sizeof(struct plan_hook), "/no/such", "x", (char *)NULL);
	add_hook(&b, "echo second", 0);
	begin(&g, &b);
	expect(&g, MSG_CREATED);
	send_message(&g, g.fd[CONTROL], MSG_START, NULL, 0);
	assert_int_equal(receive(&g, body, &len), MSG_FAILED);
	body[len] = 0;
	assert_int_equal(body[0] | body[1] << 8, FAILED_HOOK);
	assert_string_equal((char *)body + 4, text);
	read_all(&g, S_OUT);
	assert_string_equal(g.out, "");
	finish(&g);
}

static void test_failures(void **state)
{
	(void)state;
	expect_failure("exit 3", 0, "startContainer hook /bin/sh failed with status 3");
	expect_failure("echo first; echo last >&2; exit 4", 0,
		       "startContainer hook /bin/sh failed with status 4: last");
	expect_failure("kill -9 $$", 0, "startContainer hook /bin/sh was killed by signal 9");
	expect_failure("echo waiting; sleep 1000 & sleep 1000", 1,
		       "startContainer hook /bin/sh took longer than its timeout: waiting");
	expect_failure("yes waiting", 1,
		       "startContainer hook /bin/sh took longer than its timeout: waiting");
	expect_failure(NULL, 0, "startContainer hook /no/such failed with status 127: exec "
				"\"/no/such\": no such file or directory");
}

/* Who wants the container gone need not wait for its hooks. */
static void test_the_connection_lost_meanwhile(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();

	(void)state;
	shell_plan(&b, &p, "echo it runs");
	add_state(&b);
	add_hook(&b, "sleep 1000", 0);
	begin(&g, &b);
	expect(&g, MSG_CREATED);
	send_message(&g, g.fd[CONTROL], MSG_START, NULL, 0);
	finish(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_what_it_gets, end_guest),
		cmocka_unit_test_teardown(test_much_output_and_a_daemon, end_guest),
		cmocka_unit_test_teardown(test_failures, end_guest),
		cmocka_unit_test_teardown(test_the_connection_lost_meanwhile, end_guest),
	};

	return cmocka_run_group_tests(tests, make_rootfs, remove_rootfs);
}
