/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of virtio-vsock: a fake guest on fake memory, clients on a real UNIX socket. */
/* SOURCES: vmm/virtio_vsock.c vmm/client_accept.c vmm/vsock_conn.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c */
/* SOURCES: vmm/loop.c vmm/log.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <linux/virtio_vsock.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake_driver.h"
#include "vmm/virtio_vsock.h"
#include "vmm/vsock_conn.h"

#define RX_RING	 FAKE_BASE
#define TX_RING	 (FAKE_BASE + 0x4000)
#define EVT_RING (FAKE_BASE + 0x8000)
#define RX_DATA	 (FAKE_BASE + 0x10000)
#define TX_DATA	 (FAKE_BASE + 0x90000)
#define RX_BUF	 4096u
#define N_RX	 64u

struct packet {
	struct virtio_vsock_hdr h;
	uint8_t data[RX_BUF];
};

static struct {
	struct gmem mem;
	struct virtio_dev dev;
	struct fake_driver rx, tx, evt;
	struct sockaddr_un addr;
	unsigned int n_connected, n_gone;
} t;

static void on_connected(void)
{
	t.n_connected++;
}

static void on_gone(void)
{
	t.n_gone++;
}

static void offer_rx(uint16_t i)
{
	fake_desc(&t.rx, i, RX_DATA + (uint64_t)i * RX_BUF, RX_BUF, FAKE_WRITE, 0);
	fake_offer(&t.rx, i);
}

static int group_setup(void **state)
{
	static const struct virtio_vsock_callbacks callbacks = {
		.guest_connected = on_connected, .clients_gone = on_gone,
	};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	t.addr.sun_family = AF_UNIX;
	snprintf(t.addr.sun_path, sizeof(t.addr.sun_path), "/tmp/nacre-test-vsock-%d", getpid());
	unlink(t.addr.sun_path);
	if (bind(listener, (struct sockaddr *)&t.addr, sizeof(t.addr)) || listen(listener, 64))
		return -1;
	t.mem = fake_memory();
	if (loop_init() || virtio_vsock_init(&t.dev, listener, &callbacks))
		return -1;
	return mmio_attach(&t.dev, &t.mem);
}

static int group_teardown(void **state)
{
	(void)state;
	unlink(t.addr.sun_path);
	fake_memory_free(&t.mem);
	return 0;
}

/* Steps of the loop until nothing more happens. */
static void settle(void)
{
	for (int i = 0; i < 50; i++)
		loop_step(0);
}

/* A fresh guest: reset, queues, receive buffers. */
static int setup(void **state)
{
	(void)state;
	reg_write(&t.dev, VIRTIO_MMIO_STATUS, 0);
	settle();
	memset(t.mem.region[0].hva, 0, FAKE_SIZE);
	t.rx = fake_driver_at(&t.mem, RX_RING, N_RX);
	t.tx = fake_driver_at(&t.mem, TX_RING, 64);
	t.evt = fake_driver_at(&t.mem, EVT_RING, 8);
	driver_negotiate(&t.dev, FEATURE_VERSION_1);
	driver_queue(&t.dev, 0, &t.rx);
	driver_queue(&t.dev, 1, &t.tx);
	driver_queue(&t.dev, 2, &t.evt);
	driver_ok(&t.dev);
	for (uint16_t i = 0; i < N_RX; i++)
		offer_rx(i);
	driver_notify(&t.dev, 0);
	t.n_gone = 0;
	settle();
	return dev_is_live(&t.dev) ? 0 : -1;
}

static struct virtio_vsock_hdr header(uint16_t op, uint32_t port, uint32_t len)
{
	return (struct virtio_vsock_hdr){
		.src_cid = 3, .dst_cid = 2, .src_port = port, .dst_port = 1, .len = len,
		.type = VIRTIO_VSOCK_TYPE_STREAM, .op = op, .buf_alloc = 65536,
	};
}

/* Sends a packet whose buffer has room for `room` bytes of payload. */
static void send_raw(const struct virtio_vsock_hdr *h, const void *data, uint32_t room)
{
	uint16_t head = t.tx.avail_idx % t.tx.size;
	uint64_t at = TX_DATA + (uint64_t)(head % 4) * 0x12000;

	fake_put(&t.mem, at, h, sizeof(*h));
	if (data)
		fake_put(&t.mem, at + sizeof(*h), data, room);
	fake_desc(&t.tx, head, at, (uint32_t)sizeof(*h) + room, 0, 0);
	fake_offer(&t.tx, head);
	driver_notify(&t.dev, 1);
	settle();
}

static void send_op(uint16_t op, uint32_t port)
{
	struct virtio_vsock_hdr h = header(op, port, 0);

	send_raw(&h, NULL, 0);
}

/* The next packet to the guest; false when there is none. Gives the buffer back. */
static bool receive(struct packet *p)
{
	uint32_t id, len;

	settle();
	if (!fake_used(&t.rx, &id, &len))
		return false;
	assert_true(len >= sizeof(p->h) && len <= sizeof(*p));
	gmem_read(&t.mem, GPA(RX_DATA + (uint64_t)id * RX_BUF), p, len);
	assert_int_equal(len, sizeof(p->h) + p->h.len);
	offer_rx((uint16_t)id);
	driver_notify(&t.dev, 0);
	return true;
}

static void expect_op(uint16_t op, uint32_t port)
{
	struct packet p;

	assert_true(receive(&p));
	assert_int_equal(p.h.op, op);
	assert_int_equal(p.h.dst_port, port);
	assert_true(p.h.src_cid == 2 && p.h.dst_cid == 3);
}

static int client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&t.addr, sizeof(t.addr)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	settle();
	return fd;
}

/* The first byte of a client, without which it is not joined. */
static void speak(int fd)
{
	assert_int_equal(write(fd, "!", 1), 1);
	settle();
}

static void expect_first_byte(uint32_t port)
{
	struct packet p;

	assert_true(receive(&p));
	assert_int_equal(p.h.op, VIRTIO_VSOCK_OP_RW);
	assert_int_equal(p.h.dst_port, port);
	assert_int_equal(p.h.len, 1);
	assert_memory_equal(p.data, "!", 1);
}

/* A joined pair: guest port and client. */
static int joined(uint32_t port)
{
	int fd = client();

	speak(fd);
	send_op(VIRTIO_VSOCK_OP_REQUEST, port);
	expect_op(VIRTIO_VSOCK_OP_RESPONSE, port);
	expect_first_byte(port);
	return fd;
}

/* A client that connects while every number below RLIMIT_NOFILE is taken. */
static int client_without_room(void)
{
	struct rlimit old, few;
	int copy[64], n = 0, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = 64;
	setrlimit(RLIMIT_NOFILE, &few);
	while ((copy[n] = dup(fd)) >= 0)
		n++;
	assert_int_equal(connect(fd, (struct sockaddr *)&t.addr, sizeof(t.addr)), 0);
	settle();
	while (n > 0)
		close(copy[--n]);
	setrlimit(RLIMIT_NOFILE, &old);
	return fd;
}

/* It is told at once, and the loop does not run round for it. */
static void test_no_descriptor_for_a_client(void **state)
{
	char c;

	(void)state;
	for (int round = 0; round < 3; round++) {
		int fd = client_without_room();

		assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), 0);
		assert_int_equal(virtio_vsock_clients(), 0);
		close(fd);
	}
	close(joined(9));
}

/* Who says nothing keeps no connection of the guest from who does. */
static void test_silent_client(void **state)
{
	struct packet p;
	int silent = client(), other = client();

	(void)state;
	send_op(VIRTIO_VSOCK_OP_REQUEST, 9);
	expect_op(VIRTIO_VSOCK_OP_RESPONSE, 9);
	assert_false(receive(&p));
	speak(other);
	expect_first_byte(9);
	close(silent);
	settle();
	assert_int_equal(virtio_vsock_clients(), 1);
	send_op(VIRTIO_VSOCK_OP_REQUEST, 10);
	expect_op(VIRTIO_VSOCK_OP_RESPONSE, 10);
	silent = client();
	speak(silent);
	expect_first_byte(10);
	close(silent);
	close(other);
}

static void test_bytes_both_ways(void **state)
{
	struct virtio_vsock_hdr h = header(VIRTIO_VSOCK_OP_RW, 1000, 5);
	struct packet p;
	char buf[16];
	int fd = joined(1000);

	(void)state;
	assert_true(t.n_connected > 0);
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_true(receive(&p));
	assert_int_equal(p.h.op, VIRTIO_VSOCK_OP_RW);
	assert_memory_equal(p.data, "hello", 5);
	send_raw(&h, "world", 5);
	assert_int_equal(read(fd, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "world", 5);
	close(fd);
}

static void test_guest_first(void **state)
{
	struct packet p;
	int fd;

	(void)state;
	send_op(VIRTIO_VSOCK_OP_REQUEST, 7);
	expect_op(VIRTIO_VSOCK_OP_RESPONSE, 7);
	fd = client();
	assert_int_equal(write(fd, "x", 1), 1);
	assert_true(receive(&p));
	assert_int_equal(p.h.dst_port, 7);
	close(fd);
}

static void test_client_half_close(void **state)
{
	struct virtio_vsock_hdr h = header(VIRTIO_VSOCK_OP_RW, 9, 2);
	struct packet p;
	char buf[4];
	int fd = joined(9);

	(void)state;
	shutdown(fd, SHUT_WR);
	assert_true(receive(&p));
	assert_int_equal(p.h.op, VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(p.h.flags, VIRTIO_VSOCK_SHUTDOWN_SEND);
	send_raw(&h, "ok", 2);
	assert_int_equal(read(fd, buf, 4), 2);
	assert_int_equal(virtio_vsock_clients(), 1);
	close(fd);
	assert_true(receive(&p));
	assert_int_equal(p.h.op, VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(virtio_vsock_clients(), 0);
	assert_int_equal(t.n_gone, 1);
}

static void test_guest_half_close(void **state)
{
	struct virtio_vsock_hdr h = header(VIRTIO_VSOCK_OP_SHUTDOWN, 9, 0);
	struct packet p;
	char buf[4];
	int fd = joined(9);

	(void)state;
	h.flags = VIRTIO_VSOCK_SHUTDOWN_SEND;
	send_raw(&h, NULL, 0);
	assert_int_equal(read(fd, buf, 4), 0); /* end of file */
	assert_int_equal(write(fd, "late", 4), 4);
	assert_true(receive(&p));
	assert_memory_equal(p.data, "late", 4);
	h.flags = 3;
	send_raw(&h, NULL, 0);
	expect_op(VIRTIO_VSOCK_OP_RST, 9);
	assert_int_equal(virtio_vsock_clients(), 0);
	close(fd);
}

static void test_client_dies(void **state)
{
	struct packet p;
	int fd = joined(9);

	(void)state;
	assert_int_equal(write(fd, "last", 4), 4);
	close(fd);
	assert_true(receive(&p));
	assert_memory_equal(p.data, "last", 4);
	assert_true(receive(&p));
	assert_int_equal(p.h.op, VIRTIO_VSOCK_OP_SHUTDOWN);
	assert_int_equal(p.h.flags, 3);
	assert_int_equal(t.n_gone, 1);
	send_op(VIRTIO_VSOCK_OP_RST, 9);
	assert_null(vsock_conn_by_port(9));
}

/* A client that does not read: the guest is stopped by its credit, nothing is lost. */
static void test_back_pressure_from_guest(void **state)
{
	static uint8_t data[32768], got[1 << 20];
	struct virtio_vsock_hdr h = header(VIRTIO_VSOCK_OP_RW, 9, sizeof(data));
	uint32_t sent = 0, fwd = 0, n_got = 0;
	struct packet p;
	int fd = joined(9);

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	while (sent - fwd + sizeof(data) <= VSOCK_RING) {
		send_raw(&h, data, sizeof(data));
		sent += (uint32_t)sizeof(data);
		while (receive(&p))
			fwd = p.h.fwd_cnt;
		assert_true(sent < (1 << 20) - sizeof(data));
	}
	for (;;) {
		ssize_t n = read(fd, got + n_got, sizeof(got) - n_got);

		if (n > 0)
			n_got += (uint32_t)n;
		settle();
		if (n < 0 && n_got == sent)
			break;
		assert_true(n >= 0 || n_got < sent);
	}
	for (uint32_t i = 0; i < sent; i++)
		assert_int_equal(got[i], (uint8_t)(i % sizeof(data) * 7));
	assert_true(receive(&p)); /* and it got new credit */
	assert_int_equal(p.h.op, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	close(fd);
}

/* A guest that gives little credit gets no more than that. */
static void test_credit_to_guest(void **state)
{
	struct virtio_vsock_hdr h = header(VIRTIO_VSOCK_OP_REQUEST, 9, 0);
	struct packet p;
	int fd = client();

	(void)state;
	h.buf_alloc = 10;
	send_raw(&h, NULL, 0);
	expect_op(VIRTIO_VSOCK_OP_RESPONSE, 9);
	assert_int_equal(write(fd, "0123456789abcdef", 16), 16);
	assert_true(receive(&p));
	assert_int_equal(p.h.len, 10);
	assert_false(receive(&p));
	h.op = VIRTIO_VSOCK_OP_CREDIT_UPDATE;
	h.fwd_cnt = 10;
	send_raw(&h, NULL, 0);
	assert_true(receive(&p));
	assert_memory_equal(p.data, "abcdef", 6);
	/* A forwarded count that was never sent gives no credit. */
	h.fwd_cnt = 5000;
	send_raw(&h, NULL, 0);
	assert_int_equal(write(fd, "zz", 2), 2);
	assert_false(receive(&p));
	close(fd);
}

static void test_more_than_credit(void **state)
{
	static uint8_t data[VSOCK_RING];
	struct virtio_vsock_hdr h = header(VIRTIO_VSOCK_OP_RW, 9, sizeof(data));
	struct packet p;
	unsigned int n = 0;
	int fd = joined(9);

	(void)state;
	/* Without ever looking at credits: reset at the latest when socket and ring are full. */
	for (; n < 64; n++) {
		send_raw(&h, data, sizeof(data));
		if (receive(&p) && p.h.op == VIRTIO_VSOCK_OP_RST)
			break;
	}
	assert_true(n < 64);
	assert_null(vsock_conn_by_port(9));
	close(fd);
}

static void test_refused_requests(void **state)
{
	struct virtio_vsock_hdr h;

	(void)state;
	send_op(VIRTIO_VSOCK_OP_REQUEST, 1024); /* not a privileged port */
	expect_op(VIRTIO_VSOCK_OP_RST, 1024);
	h = header(VIRTIO_VSOCK_OP_REQUEST, 5, 0);
	h.dst_port = 22;
	send_raw(&h, NULL, 0);
	expect_op(VIRTIO_VSOCK_OP_RST, 5);
	h = header(VIRTIO_VSOCK_OP_REQUEST, 5, 0);
	h.dst_cid = 1;
	send_raw(&h, NULL, 0);
	expect_op(VIRTIO_VSOCK_OP_RST, 5);
	h = header(VIRTIO_VSOCK_OP_REQUEST, 5, 0);
	h.src_cid = 99;
	send_raw(&h, NULL, 0);
	expect_op(VIRTIO_VSOCK_OP_RST, 5);
	h = header(VIRTIO_VSOCK_OP_REQUEST, 5, 0);
	h.type = VIRTIO_VSOCK_TYPE_SEQPACKET;
	send_raw(&h, NULL, 0);
	expect_op(VIRTIO_VSOCK_OP_RST, 5);
	for (uint16_t op = 0; op < 10; op++) {
		if (op == VIRTIO_VSOCK_OP_REQUEST || op == VIRTIO_VSOCK_OP_RST)
			continue;
		send_op(op, 6); /* no such connection */
		expect_op(VIRTIO_VSOCK_OP_RST, 6);
	}
	send_op(VIRTIO_VSOCK_OP_RST, 6); /* never answered */
	struct packet p;

	assert_false(receive(&p));
}

static void test_same_port_twice(void **state)
{
	int fd = joined(9);

	(void)state;
	send_op(VIRTIO_VSOCK_OP_REQUEST, 9);
	expect_op(VIRTIO_VSOCK_OP_RST, 9);
	assert_null(vsock_conn_by_port(9));
	close(fd);
}

/* Bug of others, number 1: descriptor bounds (CVE-2019-18960): a length that its buffer has not. */
static void test_bug01_lying_length(void **state)
{
	struct virtio_vsock_hdr h = header(VIRTIO_VSOCK_OP_RW, 9, 6);
	int fd = joined(9);

	(void)state;
	send_raw(&h, "world", 5);
	assert_true(reg_read(&t.dev, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	close(fd);
}

static void test_short_header(void **state)
{
	(void)state;
	fake_desc(&t.tx, 0, TX_DATA, sizeof(struct virtio_vsock_hdr) - 1, 0, 0);
	fake_offer(&t.tx, 0);
	driver_notify(&t.dev, 1);
	settle();
	assert_true(reg_read(&t.dev, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* Bug of others, number 16: requests without bound. Streams opened without end are refused. */
static void test_bug16_streams_without_end(void **state)
{
	struct packet p;
	unsigned int accepted = 0;

	(void)state;
	for (uint32_t port = 1; port < 1024; port++) {
		send_op(VIRTIO_VSOCK_OP_REQUEST, port);
		while (receive(&p))
			accepted += p.h.op == VIRTIO_VSOCK_OP_RESPONSE;
	}
	assert_int_equal(accepted, VSOCK_PARKED_MAX);
	assert_true(dev_is_live(&t.dev));
}

/* Bug of others, number 2: both directions full (CVE-2020-16843) must not stall for good. */
static void test_bug02_no_receive_buffers(void **state)
{
	struct packet p;
	unsigned int n_rst = 0;

	(void)state;
	/* Take all receive buffers away: do not give them back until later. */
	reg_write(&t.dev, VIRTIO_MMIO_STATUS, 0);
	settle();
	memset(t.mem.region[0].hva, 0, FAKE_SIZE);
	t.rx = fake_driver_at(&t.mem, RX_RING, N_RX);
	t.tx = fake_driver_at(&t.mem, TX_RING, 64);
	driver_negotiate(&t.dev, FEATURE_VERSION_1);
	driver_queue(&t.dev, 0, &t.rx);
	driver_queue(&t.dev, 1, &t.tx);
	driver_ok(&t.dev);
	for (int i = 0; i < 60; i++) /* more than the list of resets holds */
		send_op(VIRTIO_VSOCK_OP_RW, 500);
	assert_true(dev_is_live(&t.dev));
	for (uint16_t i = 0; i < N_RX; i++)
		offer_rx(i);
	driver_notify(&t.dev, 0);
	while (receive(&p))
		n_rst += p.h.op == VIRTIO_VSOCK_OP_RST;
	assert_int_equal(n_rst, 60);
}

static void test_clients_without_guest(void **state)
{
	int fd[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		fd[i] = client();
	assert_int_equal(virtio_vsock_clients(), 4);
	for (int i = 0; i < 4; i++)
		close(fd[i]);
	settle();
	assert_int_equal(virtio_vsock_clients(), 0);
	assert_int_equal(t.n_gone, 1);
}

static void test_reset_drops_connections(void **state)
{
	char c;
	int fd = joined(9);

	(void)state;
	reg_write(&t.dev, VIRTIO_MMIO_STATUS, 0);
	settle();
	assert_int_equal(read(fd, &c, 1), 0);
	assert_int_equal(virtio_vsock_clients(), 0);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bytes_both_ways),
		TEST(test_no_descriptor_for_a_client),
		TEST(test_silent_client),
		TEST(test_guest_first),
		TEST(test_client_half_close),
		TEST(test_guest_half_close),
		TEST(test_client_dies),
		TEST(test_back_pressure_from_guest),
		TEST(test_credit_to_guest),
		TEST(test_more_than_credit),
		TEST(test_refused_requests),
		TEST(test_same_port_twice),
		TEST(test_bug01_lying_length),
		TEST(test_short_header),
		TEST(test_bug16_streams_without_end),
		TEST(test_bug02_no_receive_buffers),
		TEST(test_clients_without_guest),
		TEST(test_reset_drops_connections),
	};

	signal(SIGPIPE, SIG_IGN); /* as main() of the VMM does */
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
