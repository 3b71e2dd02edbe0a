/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the reading of a network namespace: what the guest is told, told to the kernel of another
 * namespace, gives the same routes. Needs root and ip(8).
 */
/* SOURCES: runtime/net_summary.c runtime/net_read.c runtime/net_routes.c runtime/net_prefixes.c runtime/net_socket.c runtime/net.c */
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
#include "runtime/net_summary.h"

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

static void summarize(int fd, struct net_summary *summary)
{
	struct failure failure = { .text = "" };
	struct arena arena = { 0 };
	struct net net = { 0 };

	assert_int_equal(net_read(&net, fd, &arena, &failure), 0);
	net_summarize(&net, summary);
	arena_free(&arena);
}

static char changes[256];

static void note_change(enum net_change change, const char *name)
{
	size_t len = strlen(changes);

	snprintf(changes + len, sizeof(changes) - len, "%c%s ", "+*-"[change], name ? name : "rules");
}

/* What `commands` change in a namespace, read before and after, the first kept as text. */
static const char *changes_of(const char *commands)
{
	struct net_summary before, now, kept;
	struct arena arena = { 0 };
	int fd = new_namespace(MAKE "ip addr add 10.1.1.5/24 dev eth0 && ip addr add fd00::5/64 dev eth0 nodad && "
			       "ip route add default via 10.1.1.1");

	summarize(fd, &before);
	assert_int_equal(net_summary_parse(&kept, net_summary_text(&before, &arena)), 0);
	arena_free(&arena);
	assert_int_equal(system(commands), 0);
	summarize(fd, &now);
	close(fd);
	changes[0] = '\0';
	net_summary_compare(&kept, &now, note_change);
	assert_int_equal(setns(own_ns, CLONE_NEWNET), 0);
	return changes;
}

static void test_changes(void **state)
{
	(void)state;
	assert_string_equal(changes_of("true"), "");
	/* what the kernel does by itself, and what says the same */
	assert_string_equal(changes_of("ip link set far down && ip link set far up && ip link set lo down && ip link set lo up"), "");
	assert_string_equal(changes_of("ip addr add fe80::7/64 dev eth0 nodad && ip addr add fd00:2::1/64 dev eth0 valid_lft 60 preferred_lft 60"), "");
	assert_string_equal(changes_of("ip route del default && ip route add default via 10.1.1.1"), "");
	assert_string_equal(changes_of("ip addr add 10.1.2.5/24 dev eth0"), "*eth0 ");
	assert_string_equal(changes_of("ip addr del fd00::5/64 dev eth0"), "*eth0 ");
	assert_string_equal(changes_of("ip route add 10.9.0.0/16 via 10.1.1.9"), "*eth0 ");
	assert_string_equal(changes_of("ip route del default"), "*eth0 ");
	assert_string_equal(changes_of("ip neigh add 10.1.1.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent"), "*eth0 ");
	assert_string_equal(changes_of("ip link set eth0 mtu 1400"), "*eth0 ");
	assert_string_equal(changes_of("ip rule add from 10.1.1.9 lookup 200"), "*rules ");
	assert_string_equal(changes_of("ip link add eth1 type veth peer name other && ip link set eth1 up && "
				       "ip addr add 10.3.3.3/24 dev eth1"), "+eth1 ");
	assert_string_equal(changes_of("ip link del eth0 && ip link add eth1 type veth peer name other && "
				       "ip link set eth1 up && ip addr add 10.3.3.3/24 dev eth1"), "+eth1 -eth0 -far ");
}

static void test_text_that_is_no_summary(void **state)
{
	static const char *const texts[] = { "", "x", "1", "1 eth0", "1 eth0 xyz", "0 - 1 1 a",
					     "1 a 1 2 a 1 3 a 1 4 a 1 5 a 1 6 a 1" };
	struct net_summary summary;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(net_summary_parse(&summary, texts[i]), -EINVAL);
	assert_int_equal(net_summary_parse(&summary, "0 - 1 2 name-of-fifteen ffffffffffffffff"), 0);
	assert_int_equal(summary.n, 2);
	assert_true(summary.part[1].digest == UINT64_MAX);
	assert_string_equal(summary.part[1].name, "name-of-fifteen");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes_of_addresses),
		cmocka_unit_test(test_routes_that_were_taken_away),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_text_that_is_no_summary),
	};

	if (geteuid() != 0 || system("ip -V > /dev/null 2>&1") != 0) {
		printf("skipped: needs root and ip(8)\n");
		return 0;
	}
	own_ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
