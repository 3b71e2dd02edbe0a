/* SPDX-License-Identifier: Apache-2.0 */
/* SOURCES: guest-init/pump.c guest-init/loop.c guest-init/wire.c */
/* Unit tests of nacre-init's stream pumps and message framing, over socket pairs and pipes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "guest-init/pump.h"
#include "guest-init/wire.h"

static int done;

static void count_done(void *owner)
{
	(void)owner;
	done++;
}

/* Ends a test that would wait for ever. */
static void watchdog(void *owner)
{
	(void)owner;
	*(bool *)owner = true;
}

/* Runs the loop for a while. Returns how many events that took. */
static unsigned int run_ms(int ms)
{
	unsigned int n = 0;
	bool over = false;
	struct timeout t = { .expired = watchdog, .owner = &over };

	loop_timeout(&t, ms);
	for (; !over; n++)
		assert_int_equal(loop_step(), 0);
	return n;
}

struct ends {
	struct pump p;
	int host;    /* the host's end of the connection */
	int process; /* the process's end of the pipe */
};

static void set_non_blocking(int fd)
{
	assert_int_equal(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
}

static void open_ends(struct ends *e, enum pump_kind kind)
{
	int sock[2], pipes[2];

	done = 0;
	pump_init(&e->p, count_done, e);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	assert_int_equal(pipe(pipes), 0);
	e->host = sock[0];
	e->process = kind == PUMP_IN ? pipes[0] : pipes[1];
	set_non_blocking(sock[0]);
	set_non_blocking(sock[1]);
	set_non_blocking(pipes[0]);
	set_non_blocking(pipes[1]);
	assert_int_equal(pump_set_sock(&e->p, sock[1]), 0);
	assert_int_equal(pump_set_local(&e->p, kind, kind == PUMP_IN ? pipes[1] : pipes[0]), 0);
}

static size_t fill(int fd, size_t want)
{
	static char block[4096];
	size_t total = 0;

	while (total < want) {
		size_t n = want - total < sizeof(block) ? want - total : sizeof(block);
		ssize_t w = write(fd, block, n);

		if (w < 0)
			break;
		total += (size_t)w;
	}
	return total;
}

static size_t drain(int fd)
{
	char block[4096];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		total += (size_t)n;
	return total;
}

static void test_output(void **state)
{
	struct ends e;
	char c;

	(void)state;
	open_ends(&e, PUMP_OUT);
	assert_int_equal(write(e.process, "abc", 3), 3);
	run_ms(20);
	assert_int_equal(drain(e.host), 3);
	assert_int_equal(write(e.process, "z", 1), 1);
	close(e.process);
	run_ms(20);
	assert_int_equal(done, 1);
	assert_true(pump_finished(&e.p));
	assert_int_equal(read(e.host, &c, 1), 1);
	assert_int_equal(read(e.host, &c, 1), 0);
	close(e.host);
}

/* The host does not read: the pipe fills, nothing is lost, and the loop does not spin. */
static void test_back_pressure(void **state)
{
	struct ends e;
	size_t written = 0, got = 0;

	(void)state;
	open_ends(&e, PUMP_OUT);
	for (int i = 0; i < 20; i++) {
		written += fill(e.process, 1u << 20);
		run_ms(5);
	}
	assert_true(written > 65536 && written < 2u << 20);
	close(e.process); /* EPOLLHUP is there all the time now */
	assert_true(run_ms(20) < 10);
	assert_int_equal(done, 0);
	for (int i = 0; i < 200 && done == 0; i++) {
		got += drain(e.host);
		run_ms(2);
	}
	got += drain(e.host);
	assert_int_equal(done, 1);
	assert_int_equal(got, written);
	close(e.host);
}

static void test_input(void **state)
{
	struct ends e;
	size_t sent, got = 0;
	char c;

	(void)state;
	open_ends(&e, PUMP_IN);
	sent = fill(e.host, 150000);
	run_ms(20);
	assert_int_equal(done, 0);
	shutdown(e.host, SHUT_WR);
	for (int i = 0; i < 100 && done == 0; i++) {
		got += drain(e.process);
		run_ms(2);
	}
	got += drain(e.process);
	assert_int_equal(got, sent);
	assert_int_equal(done, 1);
	assert_int_equal(read(e.process, &c, 1), 0);
	close(e.process);
	close(e.host);
}

/* A process that closes its standard input: the host learns it without having written. */
static void test_input_refused(void **state)
{
	struct ends e;
	char c;

	(void)state;
	open_ends(&e, PUMP_IN);
	run_ms(5);
	close(e.process);
	run_ms(20);
	assert_int_equal(done, 1);
	assert_int_equal(read(e.host, &c, 1), 0);
	close(e.host);
}

/* A host that closes an output: the pipe's reader is gone at once. */
static void test_output_refused(void **state)
{
	struct ends e;

	(void)state;
	open_ends(&e, PUMP_OUT);
	shutdown(e.host, SHUT_WR); /* only its sending half: nothing happens */
	run_ms(20);
	assert_int_equal(done, 0);
	assert_int_equal(write(e.process, "abc", 3), 3);
	run_ms(20);
	assert_int_equal(drain(e.host), 3);
	close(e.host);
	assert_int_equal(write(e.process, "abc", 3), 3);
	run_ms(20);
	assert_int_equal(done, 1);
	assert_int_equal(write(e.process, "abc", 3), -1);
	assert_int_equal(errno, EPIPE);
	close(e.process);

	open_ends(&e, PUMP_OUT);
	run_ms(5);
	close(e.host);
	run_ms(20);
	assert_int_equal(done, 1);
	close(e.process);
}

static void test_order_of_ends(void **state)
{
	struct pump p;
	int sock[2], pipes[2];

	(void)state;
	done = 0;
	pump_init(&p, count_done, NULL);
	assert_true(pump_finished(&p)); /* nothing asked, nothing to do */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	assert_int_equal(pipe(pipes), 0);
	set_non_blocking(sock[0]);
	set_non_blocking(sock[1]);
	set_non_blocking(pipes[0]);
	assert_int_equal(pump_set_local(&p, PUMP_OUT, pipes[0]), 0);
	assert_false(pump_finished(&p));
	assert_int_equal(write(pipes[1], "abc", 3), 3);
	close(pipes[1]);
	pump_process_gone(&p, false); /* the connection is still to come */
	run_ms(5);
	assert_int_equal(done, 0);
	assert_int_equal(pump_set_sock(&p, sock[1]), 0);
	assert_int_equal(pump_set_sock(&p, sock[0]), -EEXIST);
	run_ms(20);
	assert_int_equal(done, 1);
	assert_int_equal(drain(sock[0]), 3);
	close(sock[0]);
}

static void test_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), unlock = 0, slave, sock[2];
	char buf[64];
	struct pump p;

	(void)state;
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0) {
		print_message("skipped: no pty\n");
		skip();
	}
	done = 0;
	pump_init(&p, count_done, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sock), 0);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	assert_int_equal(pump_set_local(&p, PUMP_TTY, master), 0);
	assert_int_equal(pump_set_sock(&p, sock[1]), 0);
	assert_int_equal(write(slave, "out\n", 4), 4);
	assert_int_equal(write(sock[0], "in\n", 3), 3);
	run_ms(20);
	assert_int_equal(read(slave, buf, sizeof(buf)), 3);
	assert_true(read(sock[0], buf, sizeof(buf)) >= 5);
	/* Closed by everybody, opened again: not the end. */
	close(slave);
	assert_true(run_ms(150) < 10);
	assert_int_equal(done, 0);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	assert_int_equal(write(slave, "again\n", 6), 6);
	run_ms(150);
	assert_int_equal(done, 0);
	memset(buf, 0, sizeof(buf));
	assert_true(read(sock[0], buf, sizeof(buf) - 1) > 0);
	assert_non_null(strstr(buf, "again"));
	assert_int_equal(write(slave, "last\n", 5), 5);
	close(slave);
	pump_process_gone(&p, false);
	run_ms(20);
	assert_int_equal(done, 1);
	memset(buf, 0, sizeof(buf));
	assert_true(read(sock[0], buf, sizeof(buf) - 1) > 0);
	assert_non_null(strstr(buf, "last"));
	assert_int_equal(read(sock[0], buf, sizeof(buf)), 0);
	close(sock[0]);
}

static struct wire_in in;
static struct wire_out out;

/* What reading one message that begins with `len` in its header gives. */
static int read_one(uint32_t len, uint16_t type, uint16_t zero, size_t body)
{
	static uint8_t zeros[8192];
	struct msg_header h = { .len = le32_of(len), .type = le16_of(type), .zero = le16_of(zero) };
	int pair[2], r;

	memset(&in, 0, sizeof(in));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(write(pair[0], &h, sizeof(h)), sizeof(h));
	assert_int_equal(write(pair[0], zeros, body), (ssize_t)body);
	r = wire_read(&in, pair[1]);
	close(pair[0]);
	close(pair[1]);
	wire_in_done(&in);
	return r;
}

static void test_wire_bounds(void **state)
{
	(void)state;
	assert_int_equal(read_one(12, MSG_START, 0, 0), 1);
	assert_int_equal(read_one(11, MSG_START, 0, 0), -EPROTO);
	assert_int_equal(read_one(0, MSG_START, 0, 0), -EPROTO);
	assert_int_equal(read_one(12, MSG_START, 1, 0), -EPROTO);
	assert_int_equal(read_one(PROTO_SMALL_MAX, MSG_SIGNAL, 0, PROTO_SMALL_MAX - 12), 1);
	assert_int_equal(read_one(PROTO_SMALL_MAX + 1, MSG_SIGNAL, 0, 0), -EPROTO);
	assert_int_equal(read_one(PROTO_MSG_MAX, MSG_PLAN, 0, 100), 0);
	assert_int_equal(read_one(PROTO_MSG_MAX + 1, MSG_PLAN, 0, 100), -EPROTO);
	assert_int_equal(read_one(0xffffffff, MSG_PLAN, 0, 100), -EPROTO);
	assert_int_equal(read_one(12, MSG_PLAN, 0, 0), 1);
}

/* A message byte by byte, and two at once. */
static void test_wire_pieces(void **state)
{
	uint8_t bytes[64];
	struct msg_winsize w = { .rows = le16_of(24) };
	int pair[2];
	ssize_t n;

	(void)state;
	memset(&in, 0, sizeof(in));
	memset(&out, 0, sizeof(out));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(wire_put(&out, MSG_WINSIZE, 3, &w, sizeof(w)), 0);
	assert_int_equal(wire_put(&out, MSG_START, 3, NULL, 0), 0);
	assert_int_equal(wire_flush(&out, pair[0]), 1);
	n = read(pair[1], bytes, sizeof(bytes));
	assert_int_equal(n, 20 + 12);
	for (ssize_t i = 0; i < 19; i++) {
		assert_int_equal(write(pair[0], bytes + i, 1), 1);
		assert_int_equal(wire_read(&in, pair[1]), 0);
	}
	assert_int_equal(write(pair[0], bytes + 19, 13), 13);
	assert_int_equal(wire_read(&in, pair[1]), 1);
	assert_int_equal(wire_in_type(&in), MSG_WINSIZE);
	assert_int_equal(in.body_len, sizeof(w));
	assert_memory_equal(wire_in_body(&in), &w, sizeof(w));
	wire_in_done(&in);
	assert_int_equal(wire_read(&in, pair[1]), 1);
	assert_int_equal(wire_in_type(&in), MSG_START);
	assert_int_equal(le32_get(in.head.container), 3);
	wire_in_done(&in);
	close(pair[0]);
	assert_int_equal(wire_read(&in, pair[1]), -EPIPE);
	close(pair[1]);
	/* A peer that takes nothing: the queue is bounded. */
	for (int i = 0; i < 1000; i++) {
		if (wire_put(&out, MSG_WINSIZE, 0, &w, sizeof(w)) < 0)
			return;
	}
	fail_msg("the queue has no end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output),         cmocka_unit_test(test_back_pressure),
		cmocka_unit_test(test_input),          cmocka_unit_test(test_input_refused),
		cmocka_unit_test(test_output_refused), cmocka_unit_test(test_order_of_ends),
		cmocka_unit_test(test_terminal),       cmocka_unit_test(test_wire_bounds),
		cmocka_unit_test(test_wire_pieces),
	};

	signal(SIGPIPE, SIG_IGN);
	if (loop_open() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
