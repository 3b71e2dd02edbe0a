/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of DNS on the host's side, in a network namespace of the test's own (root): a resolver
 * that is there, is not there yet, is slow to read, closes; and where connect() may lead.
 */
/* SOURCES: monitor/resolver.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/resolver.h"

static void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
	close(fd);
}

static int server(int type)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53) };
	int fd = socket(AF_INET, type, 0), on = 1;

	inet_pton(AF_INET, "127.0.0.11", &at.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static void begin(struct resolver *r)
{
	memset(r, 0, sizeof(*r));
	assert_int_equal(resolver_prepare(r), 0);
}

static void finish(struct resolver *r)
{
	close(r->fd[RESOLVE_DATAGRAM]);
	close(r->fd[RESOLVE_STREAM]);
}

/* Waits as the session does. */
static ssize_t take(struct resolver *r, enum resolve_transport transport, void *bytes)
{
	for (int i = 0; i < 1000; i++) {
		struct pollfd wait = { .fd = -1 };
		ssize_t n;

		resolver_flush(r);
		n = resolver_take(r, transport, bytes);
		if (n != -EAGAIN)
			return n;
		wait.fd = resolver_poll(r, transport, true, &wait.events);
		poll(&wait, 1, 10);
	}
	return -ETIMEDOUT;
}

static void test_datagrams(void **state)
{
	uint8_t question[] = "twelve bytes", got[PROTO_RESOLVE_MAX];
	static uint8_t answer[PROTO_RESOLVE_MAX + 1];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	struct resolver r;
	short events;
	int fd;

	(void)state;
	begin(&r);
	assert_int_equal(resolver_poll(&r, RESOLVE_DATAGRAM, true, &events), -1);
	/* loopback is down, then nobody listens: lost */
	resolver_ask(&r, RESOLVE_DATAGRAM, question, 12);
	loopback_up();
	resolver_ask(&r, RESOLVE_DATAGRAM, question, 12);
	assert_int_equal(resolver_take(&r, RESOLVE_DATAGRAM, got), -EAGAIN);
	fd = server(SOCK_DGRAM);
	resolver_ask(&r, RESOLVE_DATAGRAM, question, 12);
	assert_int_equal(recvfrom(fd, got, sizeof(got), 0, (struct sockaddr *)&from, &len), 12);
	assert_memory_equal(got, question, 12);
	assert_int_equal(resolver_take(&r, RESOLVE_DATAGRAM, got), -EAGAIN);
	assert_int_equal(resolver_poll(&r, RESOLVE_DATAGRAM, false, &events), -1);
	memset(answer, 'a', sizeof(answer));
	answer[2] = 0x80;
	sendto(fd, answer, PROTO_RESOLVE_MAX, 0, (struct sockaddr *)&from, len);
	assert_int_equal(take(&r, RESOLVE_DATAGRAM, got), PROTO_RESOLVE_MAX);
	assert_memory_equal(got, answer, PROTO_RESOLVE_MAX);
	/* one byte more than fits: cut, and it says so */
	sendto(fd, answer, PROTO_RESOLVE_MAX + 1, 0, (struct sockaddr *)&from, len);
	assert_int_equal(take(&r, RESOLVE_DATAGRAM, got), PROTO_RESOLVE_MAX);
	assert_int_equal(got[2], 0x82);
	close(fd);
	finish(&r);
}

static void test_stream(void **state)
{
	uint8_t question[42] = { 0, 40, 'q' }, got[PROTO_RESOLVE_MAX];
	struct resolver r;
	short events;
	int fd, peer;

	(void)state;
	loopback_up();
	begin(&r);
	assert_int_equal(resolver_poll(&r, RESOLVE_STREAM, true, &events), -1);
	/* nobody listens */
	resolver_ask(&r, RESOLVE_STREAM, question, 42);
	assert_int_equal(take(&r, RESOLVE_STREAM, got), 0);
	assert_int_equal(resolver_take(&r, RESOLVE_STREAM, got), -EAGAIN);
	fd = server(SOCK_STREAM);
	for (int i = 0; i < 3; i++) { /* a new connection each time */
		resolver_ask(&r, RESOLVE_STREAM, question, 42);
		peer = accept(fd, NULL, NULL);
		resolver_flush(&r);
		assert_int_equal(recv(peer, got, 42, MSG_WAITALL), 42);
		assert_memory_equal(got, question, 42);
		assert_int_equal(send(peer, "answer", 6, 0), 6);
		assert_int_equal(take(&r, RESOLVE_STREAM, got), 6);
		assert_memory_equal(got, "answer", 6);
		resolver_ask(&r, RESOLVE_STREAM, question, 42);
		assert_int_equal(recv(peer, got, 42, MSG_WAITALL), 42);
		close(peer);
		assert_int_equal(take(&r, RESOLVE_STREAM, got), 0);
		assert_int_equal(resolver_take(&r, RESOLVE_STREAM, got), -EAGAIN);
		assert_int_equal(resolver_poll(&r, RESOLVE_STREAM, true, &events), -1);
	}
	close(fd);
	finish(&r);
}

/* A resolver that takes nothing: what is kept for it is bounded, and then the connection ends. */
static void test_stream_full(void **state)
{
	static uint8_t bytes[PROTO_RESOLVE_MAX];
	struct resolver r;
	int fd, i;

	(void)state;
	loopback_up();
	fd = server(SOCK_STREAM);
	begin(&r);
	for (i = 0; i < 100000 && !r.ended; i++)
		resolver_ask(&r, RESOLVE_STREAM, bytes, sizeof(bytes));
	assert_true(r.ended);
	assert_int_equal(r.n_waiting, 0);
	assert_int_equal(resolver_take(&r, RESOLVE_STREAM, bytes), 0);
	close(fd);
	finish(&r);
}

/* The filter lets connect() be called with these two: nothing may be able to write them. */
static void test_addresses_are_read_only(void **state)
{
	const struct sockaddr_in *at = (const void *)&resolver_addresses.resolver;
	uintptr_t address = (uintptr_t)&resolver_addresses, from, to;
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], rights[8] = "";
	int found = 0;

	(void)state;
	while (fgets(line, sizeof(line), maps)) {
		char r[8];

		if (sscanf(line, "%lx-%lx %7s", &from, &to, r) == 3 && from <= address &&
		    address + sizeof(resolver_addresses) <= to) {
			strcpy(rights, r);
			found++;
		}
	}
	fclose(maps);
	assert_int_equal(found, 1);
	assert_string_equal(rights, "r--p");
	assert_int_equal(at->sin_family, AF_INET);
	assert_int_equal(ntohs(at->sin_port), 53);
	assert_int_equal(ntohl(at->sin_addr.s_addr), 0x7f00000b);
	assert_int_equal(resolver_addresses.nowhere.family, AF_UNSPEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_stream_full),
		cmocka_unit_test(test_addresses_are_read_only),
	};

	if (unshare(CLONE_NEWNET) < 0) {
		fprintf(stderr, "skipped: cannot make a network namespace: %s\n", strerror(errno));
		return 0;
	}
	return cmocka_run_group_tests_name("resolver on the host", tests, NULL, NULL);
}
