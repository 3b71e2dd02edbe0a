/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of interfaces that come between create and start: spare taps, what they are told apart by, and a joining
 * that fails half-way. Needs root, ip(8) and /dev/net/tun; where the kernel has tc's flower the joining succeeds.
 */
/* SOURCES: runtime/net_join.c runtime/net_redirect.c runtime/net_read.c runtime/net_routes.c runtime/net_prefixes.c */
/* SOURCES: runtime/net_socket.c runtime/net.c runtime/spawn.c runtime/oom_score.c runtime/visit.c runtime/arena.c */
/* SOURCES: runtime/failure.c runtime/report.c runtime/plan_buffer.c */
/* LIBS: -lmnl -lcap -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/net_join.h"
#include "runtime/net_read.h"
#include "runtime/net_socket.h"

static int do_command(void *ctx)
{
	return system(ctx);
}

static int ns_fd;

static void in_namespace(const char *command)
{
	struct failure failure = { .text = "" };
	char text[512];

	snprintf(text, sizeof(text), "%s", command);
	assert_int_equal(net_within(ns_fd, do_command, text, &failure), 0);
}

static void begin(void)
{
	struct failure failure = { .text = "" };

	ns_fd = net_namespace_make(&failure);
	assert_true(ns_fd >= 0);
}

static void test_spares(void **unused)
{
	struct failure failure = { .text = "" };
	struct net net = { .n = 0 };

	(void)unused;
	begin();
	assert_int_equal(net_join_spares(&net, ns_fd, NET_INTERFACES_MAX, 2, &failure), 0);
	assert_string_equal(failure.text, "");
	assert_int_equal(net.n, NET_INTERFACES_MAX);
	for (unsigned int i = 0; i < net.n; i++) {
		char name[IFNAMSIZ];

		assert_int_equal(net.interface[i].n_taps, 2);
		assert_true(net.interface[i].is_spare);
		assert_true(snprintf(name, sizeof(name), NET_TAP_NAME, NET_SPARE_INDEX(i)) < IFNAMSIZ);
		assert_true(net_is_our_tap(name));
		for (unsigned int k = 0; k < i; k++)
			assert_memory_not_equal(net.interface[i].device, net.interface[k].device, 6);
	}
	in_namespace("test \"$(ip -o link | grep -c -e ' nacre0:' -e ' nacre214748364[89]:' -e ' nacre2147483650:')\" = 4");
	net_close(&net);
	close(ns_fd);
}

/* Two interfaces of which the second is gone by then; then both. */
static void test_joining_that_fails(void **unused)
{
	struct failure failure = { .text = "" };
	struct arena arena = { 0 };
	struct net spares = { .n = 0 }, net = { .n = 0 };
	int err;

	(void)unused;
	begin();
	assert_int_equal(net_join_spares(&spares, ns_fd, 2, 1, &failure), 0);
	in_namespace("ip link set lo up && ip link add eth0 type veth peer name far0 && ip link set eth0 up && "
		     "ip addr add 10.1.1.5/24 dev eth0 && ip link add eth1 type veth peer name far1 && "
		     "ip link set eth1 up && ip addr add 10.2.2.5/24 dev eth1");
	assert_int_equal(net_read(&net, ns_fd, &arena, &failure), 0);
	assert_int_equal(net.n, 2);
	net.interface[1].index += 1000;
	assert_true(net_join_late(&net, ns_fd, &failure) < 0);
	assert_non_null(strstr(failure.text, "cannot join it to the VM"));
	in_namespace("ip -o link show dev nacre0 | grep -q DOWN && ip -o link show dev nacre2147483648 > /dev/null && "
		     "! tc qdisc | grep -q clsact");
	net.interface[1].index -= 1000;
	err = net_join_late(&net, ns_fd, &failure);
	if (!err)
		in_namespace("! ip link show dev nacre0 2> /dev/null && test $(tc qdisc | grep -c clsact) = 4");
	else
		in_namespace("ip link show dev nacre0 > /dev/null && ! tc qdisc | grep -q clsact");
	net_close(&spares);
	close(ns_fd);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spares),
		cmocka_unit_test(test_joining_that_fails),
	};

	if (geteuid() != 0 || !net_has_taps() || system("ip -V > /dev/null 2>&1 && command -v tc > /dev/null") != 0) {
		printf("skipped: needs root, ip(8), tc(8) and /dev/net/tun\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
