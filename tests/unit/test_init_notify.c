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
 * The socket of sd_notify(3) in a container, and what comes of its messages. Needs root, and
 * busybox-static (test_init_harness.h).
 */
#include <sys/un.h>

#include "test_init_harness.h"

static void begin_script(struct guest *g, const char *script)
{
	static struct build b;
	struct plan_process p = plain_process();

	shell_plan(&b, &p, script);
	build_string(&b, PLAN_NOTIFY, "/dev/notify");
	start(g, &b);
}

/* Sends as a process of the container would: to init's file, which is bound there. */
static int notify(const struct guest *g, const void *message, size_t len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/%d/root/dev/nacre/0/notify",
		 g->pid);
	err = sendto(fd, message, len, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
		     sizeof(address)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

static void expect_notify(struct guest *g, const char *text)
{
	uint8_t body[PROTO_SMALL_MAX + 1];
	size_t len;

	assert_int_equal(receive(g, body, &len), MSG_NOTIFY);
	body[len] = 0;
	assert_string_equal((char *)body, text);
}

static void test_messages(void **state)
{
	static struct guest g;
	char longest[PROTO_NOTIFY_MAX + 1];

	(void)state;
	begin_script(&g, "[ -S /dev/notify ] && stat -c '%a %u' /dev/notify; read x; exit 5");
	read_until(&g, S_OUT, "666 0\n");
	assert_int_equal(notify(&g, "READY=1", 7), 0);
	expect_notify(&g, "READY=1");
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(notify(&g, longest, sizeof(longest)), 0); /* too long: not passed on */
	assert_int_equal(notify(&g, "", 0), 0);
	assert_int_equal(notify(&g, "STOPPING=1", 10), 0);
	expect_notify(&g, "STOPPING=1");
	say(&g, "\n");
	assert_int_equal(finish_exited(&g), 5);
}

/* A container that sends without end: the host reads late, and all else goes on. */
static void test_flood(void **state)
{
	static struct guest g;
	uint8_t body[PROTO_SMALL_MAX];
	char message[PROTO_NOTIFY_MAX];
	unsigned int n = 0;
	uint16_t type;
	size_t len;

	(void)state;
	begin_script(&g, "read x; echo $x; exit 6");
	memset(message, 'x', sizeof(message));
	for (int full = 0; full < 50;) {
		full = notify(&g, message, sizeof(message)) == -EAGAIN ? full + 1 : 0;
		if (full > 0)
			usleep(10000);
	}
	say(&g, "through\n");
	read_until(&g, S_OUT, "through\n");
	while ((type = receive(&g, body, &len)) == MSG_NOTIFY) {
		assert_int_equal(len, sizeof(message));
		n++;
	}
	assert_true(n > 20);
	assert_int_equal(type, MSG_EXITED);
	finish(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_messages, end_guest),
		cmocka_unit_test_teardown(test_flood, end_guest),
	};

	return cmocka_run_group_tests(tests, make_rootfs, remove_rootfs);
}
