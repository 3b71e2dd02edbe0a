/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the host's side of the control protocol, with a guest at the other end of a socket
 * pair that keeps the order, breaks it, lies about lengths, and sends byte by byte.
 */
/* SOURCES: monitor/protocol.c monitor/protocol_out.c monitor/resolver.c monitor/notify.c monitor/sanitize.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/protocol.h"

static const struct protocol_random random_bytes = {
	.token = "0123456789abcde",
	.seed = "a seed for the guest's generator",
};

struct pair {
	struct protocol host;
	int guest;
};

static int plan_file(size_t len)
{
	int fd = memfd_create("plan", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(write(fd, &(char){ (char)i }, 1), 1);
	return fd;
}

static void pair_begin(struct pair *pair, size_t plan_len)
{
	int fds[2];
	int plan = plan_file(plan_len);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	pair->guest = fds[1];
	assert_int_equal(protocol_begin(&pair->host, fds[0], 7, MSG_PLAN, plan, &random_bytes), 0);
	close(plan);
}

static void pair_end(struct pair *pair)
{
	protocol_end(&pair->host);
	close(pair->guest);
}

/* What the guest sends: `claims` is the length in the header. */
static void guest_send_as(struct pair *pair, uint16_t type, const void *body, size_t len,
			  uint32_t claims, uint16_t zero, uint32_t container)
{
	struct msg_header header = {
		.len = le32_of(claims), .type = le16_of(type), .zero = le16_of(zero),
		.container = le32_of(container),
	};

	assert_int_equal(write(pair->guest, &header, sizeof(header)), sizeof(header));
	if (len > 0)
		assert_int_equal(write(pair->guest, body, len), len);
}

static void guest_send(struct pair *pair, uint16_t type, const void *body, size_t len)
{
	guest_send_as(pair, type, body, len, (uint32_t)(sizeof(struct msg_header) + len), 0, 7);
}

static void guest_acks(struct pair *pair)
{
	struct msg_hello_ack ack = { .version = le16_of(PROTO_VERSION) };

	guest_send(pair, MSG_HELLO_ACK, &ack, sizeof(ack));
}

/* Reads one message of the host's; its body goes to `body`. Returns the type. */
static uint16_t guest_receive(struct pair *pair, void *body, size_t room, size_t *len)
{
	struct msg_header header;
	size_t body_len;

	protocol_send(&pair->host);
	assert_int_equal(recv(pair->guest, &header, sizeof(header), MSG_WAITALL | MSG_DONTWAIT),
			 sizeof(header));
	assert_int_equal(le16_get(header.zero), 0);
	assert_int_equal(le32_get(header.container), 7);
	body_len = le32_get(header.len) - sizeof(header);
	assert_true(body_len <= room);
	if (body_len > 0)
		assert_int_equal(recv(pair->guest, body, body_len, MSG_WAITALL), body_len);
	if (len)
		*len = body_len;
	return le16_get(header.type);
}

static void run_to_running(struct pair *pair)
{
	uint8_t body[4096];

	pair_begin(pair, 100);
	assert_int_equal(guest_receive(pair, body, sizeof(body), NULL), MSG_HELLO);
	assert_int_equal(guest_receive(pair, body, sizeof(body), NULL), MSG_RESEED);
	assert_int_equal(guest_receive(pair, body, sizeof(body), NULL), MSG_SET_CLOCK);
	assert_int_equal(guest_receive(pair, body, sizeof(body), NULL), MSG_PLAN);
	guest_acks(pair);
	guest_send(pair, MSG_CREATED, NULL, 0);
	assert_int_equal(protocol_receive(&pair->host), PROTOCOL_EVENT_CREATED);
	protocol_want_start(&pair->host, NULL, 0);
	assert_int_equal(guest_receive(pair, body, sizeof(body), NULL), MSG_START);
	guest_send(pair, MSG_STARTED, NULL, 0);
	assert_int_equal(protocol_receive(&pair->host), PROTOCOL_EVENT_STARTED);
}

static void test_whole_session(void **state)
{
	struct pair pair;
	struct msg_hello hello;
	struct msg_signal signal_message;
	struct msg_winsize size;
	struct msg_exited exited = { .how = le16_of(EXITED_CODE), .value = le16_of(255),
				     .flags = le32_of(EXITED_OOM_KILLED) };
	uint8_t plan[1000];
	size_t len;

	(void)state;
	pair_begin(&pair, 1000);
	assert_int_equal(guest_receive(&pair, &hello, sizeof(hello), &len), MSG_HELLO);
	assert_int_equal(len, sizeof(hello));
	assert_int_equal(le32_get(hello.magic), PROTO_MAGIC);
	assert_int_equal(le16_get(hello.role), ROLE_CONTROL);
	assert_memory_equal(hello.token, random_bytes.token, sizeof(hello.token));
	assert_int_equal(guest_receive(&pair, plan, sizeof(plan), &len), MSG_RESEED);
	assert_int_equal(len, PROTO_RESEED_LEN);
	assert_memory_equal(plan, random_bytes.seed, PROTO_RESEED_LEN);
	assert_int_equal(guest_receive(&pair, plan, sizeof(plan), &len), MSG_SET_CLOCK);
	assert_int_equal(len, sizeof(struct msg_set_clock));
	assert_int_equal(guest_receive(&pair, plan, sizeof(plan), &len), MSG_PLAN);
	assert_int_equal(len, 1000);
	assert_int_equal(plan[999], (uint8_t)999);
	guest_acks(&pair);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_NOTHING);
	protocol_want_start(&pair.host, NULL, 0); /* too early: ignored */
	protocol_want_signal(&pair.host, SIGTERM); /* kept until it runs */
	protocol_want_signal(&pair.host, SIGTERM);
	guest_send(&pair, MSG_CREATED, NULL, 0);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_CREATED);
	assert_int_equal(protocol_poll_events(&pair.host), POLLIN);
	protocol_want_start(&pair.host, NULL, 0);
	assert_int_equal(protocol_poll_events(&pair.host), POLLIN | POLLOUT);
	assert_int_equal(guest_receive(&pair, NULL, 0, NULL), MSG_START);
	guest_send(&pair, MSG_STARTED, NULL, 0);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_STARTED);
	protocol_want_signal(&pair.host, 64);
	protocol_want_signal(&pair.host, 65);
	protocol_want_signal(&pair.host, 0);
	protocol_want_winsize(&pair.host, &(struct winsize){ .ws_row = 1, .ws_col = 2 });
	protocol_want_winsize(&pair.host, &(struct winsize){ .ws_row = 3, .ws_col = 4 });
	assert_int_equal(guest_receive(&pair, &size, sizeof(size), NULL), MSG_WINSIZE);
	assert_int_equal(le16_get(size.rows), 3);
	assert_int_equal(guest_receive(&pair, &signal_message, 8, NULL), MSG_SIGNAL);
	assert_int_equal(le32_get(signal_message.signo), SIGTERM);
	assert_int_equal(guest_receive(&pair, &signal_message, 8, NULL), MSG_SIGNAL);
	assert_int_equal(le32_get(signal_message.signo), 64);
	assert_int_equal(protocol_poll_events(&pair.host), POLLIN);
	for (int i = 0; i < 2; i++) {
		guest_send(&pair, MSG_OOM, NULL, 0);
		assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_OOM);
		assert_int_equal(pair.host.state, PROTOCOL_RUNNING);
	}
	guest_send(&pair, MSG_EXITED, &exited, sizeof(exited));
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_EXITED);
	assert_false(pair.host.exited_by_signal);
	assert_int_equal(pair.host.exited_value, 255);
	assert_int_equal(pair.host.exited_flags, EXITED_OOM_KILLED);
	pair_end(&pair);
}

static void test_notify_filter(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "READY=1", "READY=1\n" },
		{ "READY=1\nSTATUS=up and \033[31mred\tnow\n\nSTOPPING=1\n",
		  "READY=1\nSTATUS=up and red now\nSTOPPING=1\n" },
		{ "READY=0\nREADY=11\nREADY=\nREADY\nready=1\n READY=1", "" },
		{ "MAINPID=1\nFDSTORE=1\nFDNAME=x\nBARRIER=1\nWATCHDOG_USEC=0\nX=1\nERRNO=2", "ERRNO=2\n" },
		{ "ERRNO=-2\nERRNO=\nERRNO=123456789012345678901\nWATCHDOG=trigger\nWATCHDOG=1",
		  "WATCHDOG=1\n" },
		{ "EXTEND_TIMEOUT_USEC=12345678901234567890\nMONOTONIC_USEC=5",
		  "EXTEND_TIMEOUT_USEC=12345678901234567890\n" },
		{ "STATUS=", "STATUS=\n" },
		{ "\n\n", "" },
	};
	char out[NOTIFY_TEXT_MAX];
	uint8_t longest[PROTO_NOTIFY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint8_t *in = (const uint8_t *)cases[i].in;

		assert_int_equal(notify_filter(out, sizeof(out), in, strlen(cases[i].in)),
				 strlen(cases[i].out));
		assert_string_equal(out, cases[i].out);
	}
	assert_true(notify_filter(out, sizeof(out), (const uint8_t *)"RELOADING=1\nMONOTONIC_USEC=5", 29) > 0);
	assert_int_equal(strncmp(out, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
	assert_null(strstr(out, "USEC=5\n"));
	memset(longest, '?', sizeof(longest));
	memcpy(longest, "STATUS=", 7);
	assert_int_equal(notify_filter(out, sizeof(out), longest, sizeof(longest)), sizeof(longest) + 1);
	/* a NUL ends nothing */
	assert_int_equal(notify_filter(out, sizeof(out), (const uint8_t *)"STATUS=a\0b\nREADY=1", 18), 19);
	assert_string_equal(out, "STATUS=a?b\nREADY=1\n");
}

static void test_notify(void **state)
{
	struct pair pair;

	(void)state;
	run_to_running(&pair);
	guest_send(&pair, MSG_NOTIFY, "READY=1", 7);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_NOTIFY);
	assert_string_equal(pair.host.notify_text, "READY=1\n");
	guest_send(&pair, MSG_NOTIFY, "x", 1);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_NOTIFY);
	assert_int_equal(pair.host.notify_len, 0);
	guest_send(&pair, MSG_NOTIFY, NULL, 0);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
	pair_begin(&pair, 10);
	guest_acks(&pair);
	guest_send(&pair, MSG_CREATED, NULL, 0);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_CREATED);
	guest_send(&pair, MSG_NOTIFY, "READY=1", 7); /* nothing runs yet */
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
}

/* A plan larger than a socket's buffer goes out in pieces. */
static void test_large_plan(void **state)
{
	struct pair pair;
	static uint8_t bytes[PROTO_MSG_MAX + 4096];
	size_t total = 4 * sizeof(struct msg_header) + sizeof(struct msg_hello) +
		       PROTO_RESEED_LEN + sizeof(struct msg_set_clock) + 900000;
	size_t got = 0;

	(void)state;
	pair_begin(&pair, 900000);
	while (got < total) {
		ssize_t n;

		protocol_send(&pair.host);
		n = recv(pair.guest, bytes, sizeof(bytes), MSG_DONTWAIT);
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_int_equal(got, total);
	assert_int_equal(protocol_poll_events(&pair.host), POLLIN);
	pair_end(&pair);
}

static void test_failed(void **state)
{
	struct pair pair;
	struct {
		struct msg_failed failed;
		char text[20];
	} body = { { le16_of(FAILED_NOT_FOUND), le16_of(20) }, "no\033[2Jt \n\nfound here" };

	(void)state;
	pair_begin(&pair, 1);
	guest_acks(&pair);
	guest_send(&pair, MSG_FAILED, &body, sizeof(body));
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_FAILED);
	assert_int_equal(pair.host.failed_code, 127);
	assert_string_equal(pair.host.failed_text, "not found here");
	/* nothing may follow */
	guest_send(&pair, MSG_CREATED, NULL, 0);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
}

/* A message that may not come in the state, whatever the state. */
static void test_order(void **state)
{
	static const uint16_t first[] = { MSG_HELLO, MSG_PLAN,	  MSG_CREATED, MSG_START,
					  MSG_STARTED, MSG_SIGNAL, MSG_EXITED,	0,
					  13,	     MSG_OOM,  0xffff };
	struct msg_exited exited = { .how = le16_of(EXITED_CODE) };
	struct pair pair;

	(void)state;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		pair_begin(&pair, 1);
		guest_send(&pair, first[i], &exited, sizeof(exited));
		assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
		assert_non_null(pair.host.broken);
		pair_end(&pair);
	}
	pair_begin(&pair, 1); /* STARTED without START */
	guest_acks(&pair);
	guest_send(&pair, MSG_CREATED, NULL, 0);
	guest_send(&pair, MSG_STARTED, NULL, 0);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_CREATED);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
	pair_begin(&pair, 1); /* acknowledged twice */
	guest_acks(&pair);
	guest_acks(&pair);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
	run_to_running(&pair); /* FAILED after STARTED */
	guest_send(&pair, MSG_FAILED, &(struct msg_failed){ le16_of(125), le16_of(0) }, 4);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
}

static void test_lengths(void **state)
{
	static const uint32_t claims[] = { 0, 1, 11, 12, 15, 17, PROTO_SMALL_MAX, PROTO_SMALL_MAX + 1,
					   PROTO_MSG_MAX, 0x80000000u, UINT32_MAX };
	static const uint8_t zeroes[PROTO_SMALL_MAX];
	struct pair pair;

	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		pair_begin(&pair, 1);
		guest_send_as(&pair, MSG_HELLO_ACK, zeroes, sizeof(zeroes) - 12, claims[i], 0, 7);
		assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
		pair_end(&pair);
	}
}

static void test_values(void **state)
{
	static const struct {
		uint16_t how, value;
	} exits[] = { { 0, 256 }, { 0, 0xffff }, { 1, 0 }, { 1, 65 }, { 2, 0 },
		    { 1, SIGSTOP }, { 1, SIGTSTP }, { 1, SIGTTIN }, { 1, SIGTTOU },
		    { 1, SIGCONT }, { 1, SIGCHLD }, { 1, SIGURG }, { 1, SIGWINCH } };
	struct {
		struct msg_failed failed;
		char text[4];
	} failed = { { le16_of(125), le16_of(5) }, "abcd" };
	struct pair pair;

	(void)state;
	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
		struct msg_exited exited = { .how = le16_of(exits[i].how),
					     .value = le16_of(exits[i].value) };

		run_to_running(&pair);
		guest_send(&pair, MSG_EXITED, &exited, sizeof(exited));
		assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
		pair_end(&pair);
	}
	pair_begin(&pair, 1); /* a text longer than the message, and an unknown code */
	guest_send(&pair, MSG_FAILED, &failed, sizeof(failed));
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
	failed.failed = (struct msg_failed){ le16_of(0), le16_of(4) };
	pair_begin(&pair, 1);
	guest_send(&pair, MSG_FAILED, &failed, sizeof(failed));
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
	failed.failed = (struct msg_failed){ le16_of(125), le16_of(4) };
	memcpy(failed.text, " \033[m", 4); /* a text of which nothing is left */
	pair_begin(&pair, 1);
	guest_acks(&pair);
	guest_send(&pair, MSG_FAILED, &failed, sizeof(failed));
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	assert_string_equal(pair.host.broken, "a failure that says nothing");
	pair_end(&pair);
	pair_begin(&pair, 1); /* another version, another container, a reserved field */
	guest_send(&pair, MSG_HELLO_ACK, &(struct msg_hello_ack){ le16_of(2), le16_of(0) }, 4);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
	pair_begin(&pair, 1);
	guest_send_as(&pair, MSG_HELLO_ACK, &(struct msg_hello_ack){ le16_of(1), le16_of(0) }, 4,
		      16, 0, 8);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
	pair_begin(&pair, 1);
	guest_send_as(&pair, MSG_HELLO_ACK, &(struct msg_hello_ack){ le16_of(1), le16_of(0) }, 4,
		      16, 1, 7);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
}

static void test_torn(void **state)
{
	struct pair pair;
	uint8_t bytes[] = { 16, 0, 0, 0, MSG_HELLO_ACK, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0,
			    12, 0, 0, 0, MSG_CREATED,	0, 0, 0, 7, 0, 0, 0 };

	(void)state;
	pair_begin(&pair, 1);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		assert_int_equal(protocol_receive(&pair.host), PROTOCOL_NOTHING);
		assert_int_equal(write(pair.guest, &bytes[i], 1), 1);
	}
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_CREATED);
	/* closed in the middle of a message */
	assert_int_equal(write(pair.guest, bytes, 5), 5);
	close(pair.guest);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_CLOSED);
	protocol_end(&pair.host);
}

/* Any bytes at all: it ends, and within its buffer (the sanitizers watch). */
static void test_noise(void **state)
{
	struct pair pair;

	(void)state;
	srandom(2);
	for (int round = 0; round < 500; round++) {
		uint8_t bytes[600];
		enum protocol_event event;

		pair_begin(&pair, 1);
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = random() % 2 ? (uint8_t)(random() & 15)
							: (uint8_t)(random() & 255);
		assert_int_equal(write(pair.guest, bytes, sizeof(bytes)), sizeof(bytes));
		shutdown(pair.guest, SHUT_WR);
		do {
			event = protocol_receive(&pair.host);
		} while (event != PROTOCOL_EVENT_BROKEN && event != PROTOCOL_EVENT_CLOSED);
		pair_end(&pair);
	}
}

static void test_begin_refuses(void **state)
{
	struct protocol protocol;
	int fds[2];
	int plan = plan_file(0);

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_true(protocol_begin(&protocol, fds[0], 0, MSG_PLAN, plan, &random_bytes) < 0);
	assert_int_equal(ftruncate(plan, PROTO_MSG_MAX), 0);
	assert_true(protocol_begin(&protocol, fds[0], 0, MSG_PLAN, plan, &random_bytes) < 0);
	assert_int_equal(protocol_hello_stream(fds[0], 0, STREAM_STDOUT, random_bytes.token), 0);
	close(fds[1]);
	assert_true(protocol_hello_stream(fds[0], 0, STREAM_STDOUT, random_bytes.token) < 0);
	close(fds[0]);
	close(plan);
}

/* The guest asks for the time; it is told with its own stamp, and told again when it asks again. */
static void test_clock(void **state)
{
	struct msg_clock_ask ask = { .stamp = le64_of(77) };
	struct msg_clock_tell tell;
	struct timespec before, after;
	struct pair pair;
	uint64_t told;
	size_t len;

	(void)state;
	run_to_running(&pair);
	guest_send(&pair, MSG_CLOCK_ASK, &ask, sizeof(ask));
	ask.stamp = le64_of(78);
	guest_send(&pair, MSG_CLOCK_ASK, &ask, sizeof(ask));
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_NOTHING);
	assert_true(protocol_poll_events(&pair.host) & POLLOUT);
	clock_gettime(CLOCK_REALTIME, &before);
	assert_int_equal(guest_receive(&pair, &tell, sizeof(tell), &len), MSG_CLOCK_TELL);
	clock_gettime(CLOCK_REALTIME, &after);
	assert_int_equal(len, sizeof(tell));
	assert_int_equal(le64_get(tell.stamp), 78); /* two questions, one answer */
	told = le64_get(tell.realtime_ns) / 1000000000u;
	assert_true(told >= (uint64_t)before.tv_sec && told <= (uint64_t)after.tv_sec);
	assert_false(protocol_poll_events(&pair.host) & POLLOUT);
	/* The host's clock was set, twice: one hint. */
	protocol_want_clock_hint(&pair.host);
	protocol_want_clock_hint(&pair.host);
	assert_int_equal(guest_receive(&pair, &tell, sizeof(tell), &len), MSG_CLOCK_HINT);
	assert_int_equal(len, 0);
	assert_false(protocol_poll_events(&pair.host) & POLLOUT);
	/* One that is too long breaks the protocol. */
	guest_send(&pair, MSG_CLOCK_ASK, &tell, sizeof(tell));
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);

	/* And so does one before the container is there. */
	pair_begin(&pair, 100);
	guest_acks(&pair);
	guest_send(&pair, MSG_CLOCK_ASK, &ask, sizeof(ask));
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
}

/* Questions for the resolver: only while there is one, and the process was started; answers. */
static void test_resolve(void **state)
{
	struct {
		struct msg_resolve head;
		uint8_t bytes[PROTO_RESOLVE_MAX + 1];
	} m = { .bytes = "a question" };
	struct resolver resolver = { .fd = { -1, -1 } };
	struct pair pair;
	size_t len;

	(void)state;
	run_to_running(&pair);
	pair.host.resolver = &resolver;
	guest_send(&pair, MSG_RESOLVE, &m, sizeof(m.head) + 10);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_NOTHING);
	assert_true(protocol_takes_answer(&pair.host));
	protocol_send_answer(&pair.host, RESOLVE_STREAM, m.bytes, PROTO_RESOLVE_MAX);
	memset(&m, 0, sizeof(m));
	assert_int_equal(guest_receive(&pair, &m, sizeof(m), &len), MSG_RESOLVED);
	assert_int_equal(len, sizeof(m.head) + PROTO_RESOLVE_MAX);
	assert_int_equal(le16_get(m.head.transport), RESOLVE_STREAM);
	assert_string_equal((char *)m.bytes, "a question");
	protocol_want_signal(&pair.host, SIGTERM);
	assert_false(protocol_takes_answer(&pair.host));
	m.head.transport = le16_of(RESOLVE_TRANSPORT_COUNT);
	guest_send(&pair, MSG_RESOLVE, &m, sizeof(m.head) + 10);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);

	for (size_t i = 0; i < 3; i++) {
		const size_t lengths[] = { 0, sizeof(m.head), sizeof(m.head) + PROTO_RESOLVE_MAX + 1 };

		m.head.transport = le16_of(RESOLVE_DATAGRAM);
		run_to_running(&pair);
		pair.host.resolver = &resolver;
		guest_send(&pair, MSG_RESOLVE, &m, lengths[i]);
		assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
		pair_end(&pair);
	}

	run_to_running(&pair); /* without a resolver */
	guest_send(&pair, MSG_RESOLVE, &m, sizeof(m.head) + 10);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);

	pair_begin(&pair, 100); /* before there is a container */
	pair.host.resolver = &resolver;
	guest_acks(&pair);
	guest_send(&pair, MSG_RESOLVE, &m, sizeof(m.head) + 10);
	assert_int_equal(protocol_receive(&pair.host), PROTOCOL_EVENT_BROKEN);
	pair_end(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_session), cmocka_unit_test(test_large_plan),
		cmocka_unit_test(test_failed),	      cmocka_unit_test(test_order),
		cmocka_unit_test(test_clock),	      cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_lengths),	      cmocka_unit_test(test_values),
		cmocka_unit_test(test_torn),	      cmocka_unit_test(test_noise),
		cmocka_unit_test(test_begin_refuses),
		cmocka_unit_test(test_notify_filter),
		cmocka_unit_test(test_notify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
