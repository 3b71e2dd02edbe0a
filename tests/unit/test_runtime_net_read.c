/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the reading of a network namespace: what the guest is told, told to the kernel of another
 * namespace, gives the same routes. Needs root and ip(8).
 */
/* SOURCES: runtime/net_read.c runtime/net_routes.c runtime/net_prefixes.c runtime/net_socket.c runtime/net.c */
/* SOURCES: runtime/spawn.c runtime/oom_score.c runtime/visit.c runtime/arena.c runtime/failure.c runtime/report.c runtime/plan_buffer.c */
/* LIBS: -lmnl -lcap -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/net_read.h"
#include "runtime/net_socket.h"

#define TEXT_MAX 4096

/* The same interfaces in both namespaces. */
#define MAKE "ip link set lo up && ip link add eth0 index 10 type veth peer name far index 11 && " \
	     "ip addr add 192.0.2.1/32 dev far && ip link set far up && ip link set eth0 up && "

static int own_ns;

static int new_namespace(const char *commands)
{
	int fd;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system(commands), 0);
	fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void read_routes(char *text)
{
	FILE *pipe = popen("ip route show dev eth0 | sed 's/ proto [a-z]*//; s/ *$//'; "
			   "ip rule; ip route show table 200 2> /dev/null; ip -6 rule; "
			   "ip -6 route show dev eth0 | grep -v ^fe80 | sed 's/ proto [a-z]*//; s/ pref.*//; s/ *$//'", "r");

	assert_non_null(pipe);
	text[fread(text, 1, TEXT_MAX - 1, pipe)] = '\0';
	pclose(pipe);
}


/* As nacre-init does it. */
static void repeat(const struct net *net)
{
	struct mnl_socket *socket = net_socket_open();

	assert_non_null(socket);
	for (size_t i = 0; i < net->messages.n; i++) {
		const struct net_message *m = &net->messages.v[i];
		char buf[NET_REQUEST_MAX];
		void *body;
		struct nlmsghdr *message = net_request(buf, m->type, NLM_F_CREATE | NLM_F_EXCL, m->len, &body);
		int err;

		memcpy(body, m->body, m->len);
		err = net_request_send(socket, message);
		assert_true(err == 0 || err == -EEXIST);
	}
	mnl_socket_close(socket);
}

static void expect_same(const char *commands)
{
	char here[TEXT_MAX], there[TEXT_MAX];
	char *all;
	struct failure failure = { .text = "" };
	struct arena arena = { 0 };
	struct net net = { 0 };
	int fd;

	assert_true(asprintf(&all, MAKE "%s", commands) > 0);
	fd = new_namespace(all);
	free(all);
	read_routes(here);
	assert_true(strlen(here) > 0);
	assert_int_equal(net_read(&net, fd, &arena, &failure), 0);
	close(fd);
	close(new_namespace(MAKE "true"));
	repeat(&net);
	read_routes(there);
	assert_string_equal(there, here);
	net_close(&net);
	arena_free(&arena);
	assert_int_equal(setns(own_ns, CLONE_NEWNET), 0);
}

static void test_routes_of_addresses(void **state)
{
	(void)state;
	expect_same("ip addr add 10.1.1.5/24 dev eth0 && ip addr add 10.1.1.6/24 dev eth0 && "
		    "ip addr add 10.2.0.1 peer 10.2.0.2/32 dev eth0 && "
		    "ip addr add fd00::5/64 dev eth0 nodad && ip addr add fd00:1::5/128 dev eth0 nodad && "
		    "ip route add default via 10.1.1.1");
}

/* CNI's ptp: the gateway alone is on the link. */
static void test_routes_that_were_taken_away(void **state)
{
	(void)state;
	expect_same("ip addr add 10.1.1.5/24 dev eth0 && ip route del 10.1.1.0/24 dev eth0 && "
		    "ip route add 10.1.1.1 dev eth0 scope link && "
		    "ip route add 10.1.1.0/24 via 10.1.1.1 src 10.1.1.5 && "
		    "ip addr add 10.9.0.5/20 dev eth0 && "
		    "ip addr add fd00::5/64 dev eth0 nodad && ip -6 route del fd00::/64 dev eth0 && "
		    "ip -6 route add fd00::1 dev eth0 && ip -6 route add fd00::/64 via fd00::1");
}

static void test_rules(void **state)
{
	(void)state;
	expect_same("ip addr add 10.1.1.5/24 dev eth0 && ip rule add to 8.8.8.8 lookup main prio 0 && "
		    "ip rule add fwmark 1 lookup 200 && ip rule add not from 10.1.1.5 lookup 200 prio 32766 && "
		    "ip route add local 10.60.0.0/16 dev lo table 200 && "
		    "ip route add default via 10.1.1.1 table 200 metric 9 && "
		    "ip -6 rule add from fd00::1 lookup 200 prio 7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes_of_addresses),
		cmocka_unit_test(test_routes_that_were_taken_away),
		cmocka_unit_test(test_rules),
	};

	if (geteuid() != 0 || system("ip -V > /dev/null 2>&1") != 0) {
		printf("skipped: needs root and ip(8)\n");
		return 0;
	}
	own_ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
