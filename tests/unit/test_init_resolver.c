/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of DNS on the guest's side: processes that ask by datagram and by TCP, and a host that
 * answers, answers something else, in pieces, or not at all.
 */
/* SOURCES: guest-init/resolver.c guest-init/resolver_tcp.c guest-init/loop.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest-init/loop.h"
#include "guest-init/resolver.h"

static struct {
	struct resolver *resolver;
	struct sockaddr_in at[RESOLVE_TRANSPORT_COUNT];
	/* the host */
	bool deaf;
	unsigned int n_asked;
	enum resolve_transport transport;
	uint8_t asked[PROTO_RESOLVE_MAX];
	size_t len;
} guest;

static bool ask(void *owner, enum resolve_transport transport, const void *bytes, size_t len)
{
	assert_ptr_equal(owner, &guest);
	assert_in_range(len, 12, sizeof(guest.asked));
	if (guest.deaf)
		return false;
	guest.n_asked++;
	guest.transport = transport;
	memcpy(guest.asked, bytes, len);
	guest.len = len;
	return true;
}

static int bound(int type, struct sockaddr_in *at)
{
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*at);

	*at = (struct sockaddr_in){ .sin_family = AF_INET };
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static int begin(void **state)
{
	int fds[RESOLVE_TRANSPORT_COUNT];

	(void)state;
	memset(&guest, 0, sizeof(guest));
	fds[RESOLVE_DATAGRAM] = bound(SOCK_DGRAM, &guest.at[RESOLVE_DATAGRAM]);
	fds[RESOLVE_STREAM] = bound(SOCK_STREAM, &guest.at[RESOLVE_STREAM]);
	guest.resolver = resolver_open(fds, ask, &guest);
	return guest.resolver ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	resolver_close(guest.resolver);
	return 0;
}

static int client(enum resolve_transport transport)
{
	int fd = socket(AF_INET, (transport == RESOLVE_STREAM ? SOCK_STREAM : SOCK_DGRAM) |
				 SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&guest.at[transport],
				 sizeof(guest.at[transport])), 0);
	if (transport == RESOLVE_STREAM)
		assert_int_equal(loop_step(), 0); /* the connection */
	return fd;
}

/* A message with this identifier and length, with two bytes before it for TCP. */
static void message(uint8_t *bytes, uint16_t id, size_t len)
{
	bytes[0] = (uint8_t)(len >> 8);
	bytes[1] = (uint8_t)len;
	for (size_t i = 0; i < len; i++)
		bytes[2 + i] = (uint8_t)(i * 7 + id);
	bytes[2] = (uint8_t)(id >> 8);
	bytes[3] = (uint8_t)id;
}

static bool is_silent(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, 0) == 0;
}

static bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) <= 0;
}

/* Two ask with the same identifier: each gets its own answer, and its own identifier. */
static void test_datagrams(void **state)
{
	int one = client(RESOLVE_DATAGRAM), two = client(RESOLVE_DATAGRAM);
	uint8_t m[600], first[600], got[600];

	(void)state;
	message(m, 0x1234, 100);
	assert_int_equal(send(one, m + 2, 100, 0), 100);
	assert_int_equal(loop_step(), 0);
	assert_int_equal(guest.n_asked, 1);
	assert_int_equal(guest.transport, RESOLVE_DATAGRAM);
	assert_int_equal(guest.len, 100);
	assert_memory_equal(guest.asked + 2, m + 4, 98);
	memcpy(first, guest.asked, 100);
	assert_int_equal(send(two, m + 2, 100, 0), 100);
	assert_int_equal(loop_step(), 0);
	assert_memory_not_equal(guest.asked, first, 2);

	resolver_answer(guest.resolver, RESOLVE_DATAGRAM, guest.asked, 90);
	assert_true(is_silent(one));
	assert_int_equal(recv(two, got, sizeof(got), 0), 90);
	assert_memory_equal(got, m + 2, 90);
	/* once */
	resolver_answer(guest.resolver, RESOLVE_DATAGRAM, guest.asked, 90);
	assert_true(is_silent(two));
	resolver_answer(guest.resolver, RESOLVE_DATAGRAM, first, 100);
	assert_int_equal(recv(one, got, sizeof(got), 0), 100);
	assert_memory_equal(got, m + 2, 100);
	close(one);
	close(two);
}

/* Answers to nothing, of no length, of another transport; questions that are none. */
static void test_nonsense(void **state)
{
	int fd = client(RESOLVE_DATAGRAM);
	uint8_t m[PROTO_RESOLVE_MAX + 8] = { 0 };

	(void)state;
	for (unsigned int id = 0; id < 256; id++) {
		m[1] = (uint8_t)id;
		resolver_answer(guest.resolver, RESOLVE_DATAGRAM, m, 12);
	}
	for (size_t len = 0; len < 12; len++)
		resolver_answer(guest.resolver, RESOLVE_DATAGRAM, m, len);
	assert_int_equal(send(fd, m, 11, 0), 11);
	assert_int_equal(loop_step(), 0);
	assert_int_equal(send(fd, m, PROTO_RESOLVE_MAX + 1, 0), PROTO_RESOLVE_MAX + 1);
	assert_int_equal(loop_step(), 0);
	assert_int_equal(guest.n_asked, 0);
	assert_int_equal(send(fd, m, PROTO_RESOLVE_MAX, 0), PROTO_RESOLVE_MAX);
	assert_int_equal(loop_step(), 0);
	assert_int_equal(guest.n_asked, 1);
	memcpy(m, guest.asked, 12);
	guest.deaf = true;
	assert_int_equal(send(fd, m, 12, 0), 12);
	assert_int_equal(loop_step(), 0);
	resolver_answer(guest.resolver, RESOLVE_STREAM, (const uint8_t[]){ 0, 12 }, 2);
	resolver_answer(guest.resolver, RESOLVE_STREAM, guest.asked, 12);
	assert_true(is_silent(fd));
	close(fd);
}

/* The oldest of many questions is forgotten, the others are answered; identifiers begin again. */
static void test_many(void **state)
{
	int fd = client(RESOLVE_DATAGRAM);
	uint8_t m[64], first[12], got[64];

	(void)state;
	for (unsigned int i = 0; i < 70000; i++) {
		message(m, (uint16_t)i, 12);
		assert_int_equal(send(fd, m + 2, 12, 0), 12);
		assert_int_equal(loop_step(), 0);
		if (i % 1025 == 0)
			memcpy(first, guest.asked, 12);
		if (i % 1025 == 1024) { /* 1024 later */
			resolver_answer(guest.resolver, RESOLVE_DATAGRAM, first, 12);
			assert_true(is_silent(fd));
		}
		if (i % 16 == 0) {
			resolver_answer(guest.resolver, RESOLVE_DATAGRAM, guest.asked, 12);
			assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 12);
			assert_memory_equal(got, m + 2, 12);
		}
	}
	assert_int_equal(guest.n_asked, 70000);
	close(fd);
}

/* A program that looks up a thousand names at once gets all answers. */
static void test_thousand_at_once(void **state)
{
	static uint8_t asked[1000][12];
	int fd = client(RESOLVE_DATAGRAM);
	uint8_t m[64], got[64];

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		message(m, (uint16_t)i, 12);
		assert_int_equal(send(fd, m + 2, 12, 0), 12);
		assert_int_equal(loop_step(), 0);
		memcpy(asked[i], guest.asked, 12);
	}
	for (unsigned int i = 0; i < 1000; i++) {
		message(m, (uint16_t)i, 12);
		resolver_answer(guest.resolver, RESOLVE_DATAGRAM, asked[i], 12);
		assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 12);
		assert_memory_equal(got, m + 2, 12);
	}
	close(fd);
}

/* A question in pieces, an answer of the greatest length in pieces, two of them in one piece. */
static void test_stream(void **state)
{
	static uint8_t answer[2 * (2 + 65535)], got[2 + 65535];
	int fd = client(RESOLVE_STREAM);
	uint8_t m[100];
	size_t n;

	(void)state;
	message(m, 0xabcd, 40);
	for (size_t i = 0; i < 42; i++) {
		assert_int_equal(guest.n_asked, 0);
		assert_int_equal(send(fd, m + i, 1, 0), 1);
		assert_int_equal(loop_step(), 0);
	}
	assert_int_equal(guest.n_asked, 1);
	assert_int_equal(guest.transport, RESOLVE_STREAM);
	assert_int_equal(guest.len, 42);
	assert_memory_equal(guest.asked + 4, m + 4, 38);
	message(answer, (uint16_t)(guest.asked[2] << 8 | guest.asked[3]), 65535);
	memcpy(answer + 65537, answer, 65537); /* a second answer to the same is dropped */
	for (size_t at = 0; at < sizeof(answer); at += n) {
		n = sizeof(answer) - at < PROTO_RESOLVE_MAX ? sizeof(answer) - at : PROTO_RESOLVE_MAX;
		resolver_answer(guest.resolver, RESOLVE_STREAM, answer + at, n);
	}
	assert_int_equal(recv(fd, got, sizeof(got), MSG_WAITALL), 65537);
	assert_int_equal(got[2] << 8 | got[3], 0xabcd);
	assert_memory_equal(got + 4, answer + 4, 65533);
	assert_true(is_silent(fd));
	/* the same connection asks again, twice, and closes its half */
	for (unsigned int i = 2; i <= 3; i++) {
		assert_int_equal(send(fd, m, 42, 0), 42);
		assert_int_equal(loop_step(), 0);
		assert_int_equal(loop_step(), 0);
		assert_int_equal(guest.n_asked, i);
		memcpy(answer + 50 * i, guest.asked, 42);
	}
	shutdown(fd, SHUT_WR);
	assert_int_equal(loop_step(), 0);
	for (unsigned int i = 2; i <= 3; i++) {
		resolver_answer(guest.resolver, RESOLVE_STREAM, answer + 50 * i, 42);
		assert_int_equal(recv(fd, got, 42, MSG_WAITALL), 42);
		assert_memory_equal(got, m, 42);
	}
	assert_true(is_closed(fd));
	close(fd);
	/* the host's connection ends in the middle of an answer */
	fd = client(RESOLVE_STREAM);
	assert_int_equal(send(fd, m, 42, 0), 42);
	assert_int_equal(loop_step(), 0);
	assert_int_equal(loop_step(), 0);
	assert_int_equal(guest.n_asked, 4);
	resolver_answer(guest.resolver, RESOLVE_STREAM, answer, 30);
	resolver_answer(guest.resolver, RESOLVE_STREAM, NULL, 0);
	assert_true(is_closed(fd));
	close(fd);
}

/* Lengths that cannot be; a host that takes nothing; more connections than there are places. */
static void test_stream_refusals(void **state)
{
	static const uint8_t lengths[][2] = { { 0, 0 }, { 0, 11 }, { 0xff, 0xff },
					      { (PROTO_RESOLVE_MAX - 1) >> 8,
						(PROTO_RESOLVE_MAX - 1) & 0xff } };
	uint8_t m[20];
	int fds[20];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		int fd = client(RESOLVE_STREAM);

		assert_int_equal(send(fd, lengths[i], 2, 0), 2);
		assert_int_equal(loop_step(), 0);
		assert_true(is_closed(fd));
		close(fd);
	}
	for (size_t i = 0; i < 20; i++)
		fds[i] = client(RESOLVE_STREAM);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(is_silent(fds[i]), i >= 12);
	guest.deaf = true;
	message(m, 1, 12);
	assert_int_equal(send(fds[19], m, 14, 0), 14);
	assert_int_equal(loop_step(), 0);
	assert_int_equal(loop_step(), 0);
	assert_true(is_closed(fds[19]));
	assert_int_equal(guest.n_asked, 0);
	for (size_t i = 0; i < 20; i++)
		close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_datagrams, begin, end),
		cmocka_unit_test_setup_teardown(test_nonsense, begin, end),
		cmocka_unit_test_setup_teardown(test_many, begin, end),
		cmocka_unit_test_setup_teardown(test_thousand_at_once, begin, end),
		cmocka_unit_test_setup_teardown(test_stream, begin, end),
		cmocka_unit_test_setup_teardown(test_stream_refusals, begin, end),
	};

	return loop_open() ? 1 : cmocka_run_group_tests_name("resolver in the guest", tests, NULL, NULL);
}
