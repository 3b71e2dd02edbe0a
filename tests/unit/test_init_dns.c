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
 * DNS of a container whose resolver is asked by the host: START says so, and what a process asks at
 * 127.0.0.11 comes out of the control connection. Needs root, and busybox-static
 * (test_init_harness.h).
 */
#include "test_init_harness.h"

/* An answer with one address, 192.0.2.7, to a question of type A; none to another. */
static size_t answer(const uint8_t *question, size_t len, uint8_t *to)
{
	static const uint8_t record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7 };
	bool is_a = question[len - 3] == 1;

	memcpy(to, question, len);
	to[2] = 0x81;
	to[3] = 0x80;
	to[7] = is_a;
	if (is_a)
		memcpy(to + len, record, sizeof(record));
	return len + (is_a ? sizeof(record) : 0);
}

static void test_resolver(void **state)
{
	static struct guest g;
	static struct build b, network;
	static uint8_t body[PROTO_SMALL_MAX];
	struct {
		struct msg_resolve head;
		uint8_t bytes[PROTO_RESOLVE_MAX];
	} m = { .head.transport = le16_of(RESOLVE_DATAGRAM) };
	struct plan_process p = plain_process();
	unsigned int asked = 0;
	uint16_t type;
	size_t len;

	(void)state;
	shell_plan(&b, &p, "nslookup some.example 127.0.0.11 | grep -c 192.0.2.7");
	build_begin(&network, NULL);
	build_add(&network, PLAN_RESOLVER, NULL, 0, (char *)NULL);
	build_end(&network);
	begin(&g, &b);
	expect(&g, MSG_CREATED);
	send_message(&g, g.fd[CONTROL], MSG_START, network.buf, network.len);
	expect(&g, MSG_STARTED);
	/* types A and AAAA, in any order */
	while ((type = receive(&g, body, &len)) == MSG_RESOLVE) {
		assert_in_range(len, sizeof(m.head) + 12 + 5, sizeof(body));
		assert_int_equal(le16_get(((struct msg_resolve *)(void *)body)->transport),
				 RESOLVE_DATAGRAM);
		assert_non_null(memmem(body, len, "\4some\7example", 14));
		len = answer(body + sizeof(m.head), len - sizeof(m.head), m.bytes);
		send_message(&g, g.fd[CONTROL], MSG_RESOLVED, &m, sizeof(m.head) + len);
		asked++;
	}
	assert_int_equal(type, MSG_EXITED);
	assert_in_range(asked, 1, 4);
	read_all(&g, S_OUT);
	assert_string_equal(g.out, "1\n");
	hang_up(&g);
}

/* The address is the container's own where nobody said that there is a resolver. */
static void test_without(void **state)
{
	static struct guest g;
	static struct build b;
	struct plan_process p = plain_process();

	(void)state;
	shell_plan(&b, &p, "nslookup some.example 127.0.0.11 > /dev/null 2>&1; echo $?");
	start(&g, &b);
	assert_int_equal(finish_exited(&g), 0);
	assert_string_equal(g.out, "1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_resolver, end_guest),
		cmocka_unit_test_teardown(test_without, end_guest),
	};

	return cmocka_run_group_tests_name("nacre-init: DNS", tests, make_rootfs, remove_rootfs);
}
