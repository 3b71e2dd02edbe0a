/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of virtio-net: a fake guest on fake memory, sockets in place of tap and passt. */
/* SOURCES: vmm/virtio_net.c vmm/virtio_net_rx.c vmm/virtio_net_tx.c vmm/virtio_net_tap.c */
/* SOURCES: vmm/virtio_net_stream.c vmm/virtio_net_limit.c vmm/virtio_net_vhost.c vmm/vhost_call.c vmm/thread.c */
/* SOURCES: vmm/dev_state.c vmm/mmio.c vmm/times.c vmm/dev.c vmm/virtq.c vmm/gmem.c vmm/loop.c vmm/log.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_driver.h"
#include "vmm/dev_state.h"
#include "vmm/virtio_net.h"

#define N_PAIRS 2u
#define RINGS	FAKE_BASE
#define RING	0x4000u
#define RX_DATA (FAKE_BASE + 0x20000u)
#define TX_DATA (FAKE_BASE + 0x90000u)
#define HDR	12u
#define BIT(f)	(UINT64_C(1) << (f))

/*
 * Device 0 has two queue pairs on "taps": datagram sockets, which keep the bounds of frames as a tap
 * does. Device 1 has passt's stream. Device 2 is a tap with rate limits.
 */
static struct {
	struct gmem mem;
	struct virtio_dev dev[3];
	int tap[N_PAIRS], stream, limited, watch; /* the far ends */
	int all[10];				  /* both ends */
	unsigned int n_all;
	struct fake_driver q[5];
} t;

#define TAP	(&t.dev[0])
#define STREAM	(&t.dev[1])
#define LIMITED (&t.dev[2])

static void make_pair(int type, int *near, int *far)
{
	int pair[2], size = 1 << 20;

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*near = t.all[t.n_all++] = pair[0];
	*far = t.all[t.n_all++] = pair[1];
}

static int group_setup(void **state)
{
	struct net_options o = { .mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 1500, .n_taps = N_PAIRS,
				 .stream = -1, .watch_index = 7 };

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	t.mem = fake_memory();
	assert_int_equal(loop_init(), 0);
	for (unsigned int i = 0; i < N_PAIRS; i++)
		make_pair(SOCK_DGRAM, &o.tap[i], &t.tap[i]);
	make_pair(SOCK_DGRAM, &o.watch, &t.watch);
	assert_int_equal(virtio_net_init(TAP, &o), 0);
	o = (struct net_options){ .mac = { 2, 0, 0, 0, 0, 2 }, .mtu = 65520, .watch = -1 };
	make_pair(SOCK_STREAM, &o.stream, &t.stream);
	assert_int_equal(virtio_net_init(STREAM, &o), 0);
	o = (struct net_options){ .mac = { 2, 0, 0, 0, 0, 3 }, .mtu = 1500, .n_taps = 1,
				  .stream = -1, .watch = -1, .to_guest = { .frames = 100 },
				  .from_guest = { .bytes = 10000 } };
	make_pair(SOCK_DGRAM, &o.tap[0], &t.limited);
	assert_int_equal(virtio_net_init(LIMITED, &o), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(mmio_attach(&t.dev[i], &t.mem), 0);
		assert_int_equal(virtio_net_listen(i), 0);
	}
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	fake_memory_free(&t.mem);
	return 0;
}

static void settle(void)
{
	for (int i = 0; i < 30; i++)
		loop_step(0);
}

static uint64_t all_features(struct virtio_dev *dev)
{
	return dev->ops->features | FEATURE_VERSION_1;
}

static void bring_up(struct virtio_dev *dev, uint64_t features, uint16_t size)
{
	reg_write(dev, VIRTIO_MMIO_STATUS, 0);
	settle();
	memset(t.mem.region[0].hva, 0, FAKE_SIZE);
	assert_true(driver_negotiate(dev, features) & VIRTIO_CONFIG_S_FEATURES_OK);
	for (uint32_t i = 0; i < dev->ops->n_queues; i++) {
		t.q[i] = fake_driver_at(&t.mem, RINGS + i * RING, size);
		driver_queue(dev, i, &t.q[i]);
	}
	driver_ok(dev);
}

/* Drops what lies in the sockets. */
static int setup(void **state)
{
	static uint8_t sink[70000];

	(void)state;
	bring_up(TAP, all_features(TAP), 64);
	for (unsigned int i = 0; i < t.n_all; i++) {
		while (read(t.all[i], sink, sizeof(sink)) > 0)
			continue;
	}
	return 0;
}

/* Receive buffers [from, to) of `len` bytes in pair i. */
static void offer_rx(struct virtio_dev *dev, unsigned int pair, uint16_t from, uint16_t to,
		     uint32_t len)
{
	for (uint16_t i = from; i < to; i++) {
		fake_desc(&t.q[2 * pair], i, RX_DATA + (uint64_t)i * len, len, FAKE_WRITE, 0);
		fake_offer(&t.q[2 * pair], i);
	}
	driver_notify(dev, 2 * pair);
	settle();
}

static void put_frame(const void *header, const uint8_t *frame, uint32_t len)
{
	fake_put(&t.mem, TX_DATA, header, HDR);
	fake_put(&t.mem, TX_DATA + HDR, frame, len);
}

/* A frame of the guest: header and frame in two descriptors. */
static void send_frame(struct virtio_dev *dev, unsigned int pair, uint32_t len)
{
	struct fake_driver *q = &t.q[2 * pair + 1];
	uint16_t i = (uint16_t)(2 * q->avail_idx % q->size);

	fake_desc(q, i, TX_DATA, HDR, FAKE_NEXT, (uint16_t)(i + 1));
	fake_desc(q, (uint16_t)(i + 1), TX_DATA + HDR, len, 0, 0);
	fake_offer(q, i);
	driver_notify(dev, 2 * pair + 1);
	settle();
}

static const uint8_t *pattern(void)
{
	static uint8_t p[66000];

	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)(i * 7 + i / 256);
	return p;
}

/* A frame from a tap: zero header before it. */
static void tap_says(int fd, uint32_t len)
{
	static uint8_t buf[66000];

	memset(buf, 0, HDR);
	memcpy(buf + HDR, pattern(), len);
	assert_int_equal(send(fd, buf, HDR + len, 0), HDR + len);
}

static void expect_needs_reset(struct virtio_dev *dev, bool wanted)
{
	uint32_t status = reg_read(dev, VIRTIO_MMIO_STATUS);

	assert_int_equal(!!(status & VIRTIO_CONFIG_S_NEEDS_RESET), wanted);
}

/* Takes a frame out of used buffers of `buf_len` bytes, and compares it. */
static void expect_frame(unsigned int pair, uint32_t buf_len, uint32_t len)
{
	static uint8_t got[70000];
	uint32_t id, used, have = 0, n_buffers = 0;

	do {
		assert_true(fake_used(&t.q[2 * pair], &id, &used));
		assert_int_equal(gmem_read(&t.mem, GPA(RX_DATA + (uint64_t)id * buf_len), got + have,
					   used), 0);
		have += used;
		n_buffers++;
	} while (have < HDR + len);
	assert_int_equal(have, HDR + len);
	assert_int_equal(got[10] | got[11] << 8, n_buffers);
	assert_memory_equal(got + HDR, pattern(), len);
}

static bool nothing_received(unsigned int pair)
{
	uint32_t id, used;

	return !fake_used(&t.q[2 * pair], &id, &used);
}

static void test_configuration(void **state)
{
	struct virtio_net_config c;

	(void)state;
	for (uint32_t i = 0; i < sizeof(c); i++)
		mmio_read(TAP, VIRTIO_MMIO_CONFIG + i, (uint8_t *)&c + i, 1);
	assert_int_equal(c.mac[0], 2);
	assert_int_equal(c.mac[5], 1);
	assert_int_equal(c.status, VIRTIO_NET_S_LINK_UP);
	assert_int_equal(c.max_virtqueue_pairs, N_PAIRS);
	assert_int_equal(c.mtu, 1500);
	/* passt has no offloads, and one pair: no control queue. */
	assert_false(STREAM->ops->features & (BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_CTRL_VQ)));
	assert_int_equal(STREAM->ops->n_queues, 2);
}

static void test_frames_to_the_guest(void **state)
{
	(void)state;
	offer_rx(TAP, 0, 0, 64, 1536);
	for (uint32_t len = 14; len < 60000; len = len * 3 + 1) {
		tap_says(t.tap[0], len);
		settle();
		expect_frame(0, 1536, len);
		bring_up(TAP, all_features(TAP), 64);
		offer_rx(TAP, 0, 0, 64, 1536);
	}
}

/* CVE-2020-16843: receive ring and tap both full; frames come later, all of them, in order. */
static void test_cve_2020_16843_ring_full(void **state)
{
	uint32_t id, used;

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		tap_says(t.tap[0], 100 + i);
	settle();
	assert_true(nothing_received(0));
	offer_rx(TAP, 0, 0, 3, 1536);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(fake_used(&t.q[0], &id, &used));
		assert_int_equal(used, HDR + 100 + i);
	}
	assert_true(nothing_received(0));
	offer_rx(TAP, 0, 3, 13, 1536);
	for (uint32_t i = 3; i < 8; i++) {
		assert_true(fake_used(&t.q[0], &id, &used));
		assert_int_equal(used, HDR + 100 + i);
	}
}

/* A frame that is longer than the buffers that there are waits for more of them. */
static void test_long_frame_waits_for_buffers(void **state)
{
	(void)state;
	offer_rx(TAP, 0, 0, 2, 1536);
	tap_says(t.tap[0], 9000);
	tap_says(t.tap[0], 60);
	settle();
	assert_true(nothing_received(0));
	offer_rx(TAP, 0, 2, 4, 1536);
	assert_true(nothing_received(0));
	offer_rx(TAP, 0, 4, 40, 1536);
	expect_frame(0, 1536, 9000);
	expect_frame(0, 1536, 60);
}

/* ... and is dropped when they do not come: what follows still passes. */
static void test_long_frame_is_dropped_in_the_end(void **state)
{
	(void)state;
	offer_rx(TAP, 0, 0, 2, 1536);
	tap_says(t.tap[0], 9000);
	tap_says(t.tap[0], 60);
	settle();
	assert_true(nothing_received(0));
	usleep(250000);
	settle();
	expect_frame(0, 1536, 60);
}

static void test_without_mergeable_buffers(void **state)
{
	(void)state;
	bring_up(TAP, all_features(TAP) & ~BIT(VIRTIO_NET_F_MRG_RXBUF), 64);
	offer_rx(TAP, 0, 0, 4, 2048);
	tap_says(t.tap[0], 5000); /* too long for one: dropped */
	tap_says(t.tap[0], 1500);
	settle();
	expect_frame(0, 2048, 1500);
}

static void test_receive_buffer_without_room(void **state)
{
	(void)state;
	tap_says(t.tap[0], 60);
	offer_rx(TAP, 0, 0, 1, 0);
	expect_needs_reset(TAP, true);
}

/* Only readable descriptors in a receive queue: no room either. */
static void test_receive_buffer_of_the_wrong_kind(void **state)
{
	(void)state;
	tap_says(t.tap[0], 60);
	fake_desc(&t.q[0], 0, RX_DATA, 2000, 0, 0);
	fake_offer(&t.q[0], 0);
	driver_notify(TAP, 0);
	settle();
	expect_needs_reset(TAP, true);
}

static void expect_sent(int fd, uint32_t len)
{
	static uint8_t got[70000];

	assert_int_equal(recv(fd, got, sizeof(got), 0), HDR + len);
	assert_memory_equal(got + HDR, pattern(), len);
}

static void test_frames_from_the_guest(void **state)
{
	struct virtio_net_hdr_v1 h = { .num_buffers = 9 };
	uint32_t id, used;

	(void)state;
	for (unsigned int pair = 0; pair < 1; pair++) {
		put_frame(&h, pattern(), 1514);
		send_frame(TAP, pair, 1514);
		expect_sent(t.tap[pair], 1514);
		assert_true(fake_used(&t.q[2 * pair + 1], &id, &used));
		assert_int_equal(used, 0);
	}
}

/* Headers that make no sense: the frame is dropped, the chain returned, the device lives. */
static void test_bad_headers_are_dropped(void **state)
{
	static const struct virtio_net_hdr_v1 bad[] = {
		{ .flags = 0x80 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 65 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 65535, .csum_offset = 65535 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 13 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1400 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16,
		  .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16,
		  .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 1400 },
		{ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16,
		  .gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 1400, .hdr_len = 101 },
		{ .gso_type = VIRTIO_NET_HDR_GSO_ECN },
		{ .gso_type = 0x7f },
	};
	static const struct virtio_net_hdr_v1 good = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, .gso_size = 40,
		.hdr_len = 54,
	};
	uint8_t sink[2000];
	uint32_t id, used;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_frame(&bad[i], pattern(), 100);
		send_frame(TAP, 0, 100);
		assert_int_equal(recv(t.tap[0], sink, sizeof(sink), 0), -1);
		assert_true(fake_used(&t.q[1], &id, &used));
	}
	expect_needs_reset(TAP, false);
	put_frame(&good, pattern(), 100);
	send_frame(TAP, 0, 100);
	expect_sent(t.tap[0], 100);
}

/* The same header without the features that it needs. */
static void test_offloads_must_be_negotiated(void **state)
{
	static const struct virtio_net_hdr_v1 h = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16,
	};
	uint8_t sink[200];

	(void)state;
	bring_up(TAP, FEATURE_VERSION_1, 64);
	put_frame(&h, pattern(), 100);
	send_frame(TAP, 0, 100);
	assert_int_equal(recv(t.tap[0], sink, sizeof(sink), 0), -1);
}

static void test_frame_lengths(void **state)
{
	static const struct virtio_net_hdr_v1 h;
	uint8_t sink[200];

	(void)state;
	put_frame(&h, pattern(), 14);
	send_frame(TAP, 0, 13); /* shorter than Ethernet */
	assert_int_equal(recv(t.tap[0], sink, sizeof(sink), 0), -1);
	send_frame(TAP, 0, 14);
	expect_sent(t.tap[0], 14);
	send_frame(TAP, 0, 65600); /* longer than any frame */
	assert_int_equal(recv(t.tap[0], sink, sizeof(sink), 0), -1);
	expect_needs_reset(TAP, false);
	/* No room for a header: a broken driver. */
	fake_desc(&t.q[1], 60, TX_DATA, HDR - 1, 0, 0);
	fake_offer(&t.q[1], 60);
	driver_notify(TAP, 1);
	settle();
	expect_needs_reset(TAP, true);
}

/* CVE-2020-16843, the other way: the tap is full, then it is not. */
static void test_full_tap_does_not_stall(void **state)
{
	static const struct virtio_net_hdr_v1 h;
	static uint8_t sink[70000];
	unsigned int sent = 0, arrived = 0;
	uint32_t id, used;

	(void)state;
	put_frame(&h, pattern(), 60000);
	for (unsigned int i = 0; i < 30; i++)
		send_frame(TAP, 0, 60000);
	while (fake_used(&t.q[1], &id, &used))
		sent++;
	assert_in_range(sent, 1, 29);
	for (unsigned int i = 0; i < 100 && arrived < 30; i++) {
		while (recv(t.tap[0], sink, sizeof(sink), 0) > 0)
			arrived++;
		settle();
	}
	assert_int_equal(arrived, 30);
}

/* ---- the control queue ---- */

static uint8_t command(const void *data, uint32_t len)
{
	uint8_t ack = 0x55;
	uint32_t id, used;
	uint16_t i = (uint16_t)(2 * t.q[4].avail_idx % t.q[4].size);

	fake_put(&t.mem, TX_DATA, data, len);
	fake_put(&t.mem, TX_DATA + 64, &ack, 1);
	fake_desc(&t.q[4], i, TX_DATA, len, FAKE_NEXT, (uint16_t)(i + 1));
	fake_desc(&t.q[4], (uint16_t)(i + 1), TX_DATA + 64, 1, FAKE_WRITE, 0);
	fake_offer(&t.q[4], i);
	driver_notify(TAP, 4);
	settle();
	assert_true(fake_used(&t.q[4], &id, &used));
	gmem_read(&t.mem, GPA(TX_DATA + 64), &ack, 1);
	return ack;
}

static void test_queue_pairs(void **state)
{
	static const struct virtio_net_hdr_v1 h;
	static const uint8_t zero[] = { 4, 0, 0, 0 }, two[] = { 4, 0, 2, 0 }, many[] = { 4, 0, 3, 0 };
	static const uint8_t unknown[] = { 9, 9, 1, 0 }, shorter[] = { 4, 0, 1 };

	(void)state;
	/* With one pair in use it gets the frames of both taps. */
	offer_rx(TAP, 0, 0, 10, 1536);
	tap_says(t.tap[1], 77);
	settle();
	expect_frame(0, 1536, 77);
	assert_int_equal(command(zero, 4), VIRTIO_NET_ERR);
	assert_int_equal(command(many, 4), VIRTIO_NET_ERR);
	assert_int_equal(command(unknown, 4), VIRTIO_NET_ERR);
	assert_int_equal(command(shorter, 3), VIRTIO_NET_ERR);
	assert_int_equal(command(two, 4), VIRTIO_NET_OK);
	tap_says(t.tap[1], 78);
	settle();
	assert_true(nothing_received(0));
	offer_rx(TAP, 1, 20, 30, 1536);
	expect_frame(1, 1536, 78);
	put_frame(&h, pattern(), 99);
	send_frame(TAP, 1, 99);
	expect_sent(t.tap[1], 99);
}

/* A template's copy has the pairs that the driver asked for before it was one. */
static void test_queue_pairs_of_a_template(void **state)
{
	static const uint8_t two[] = { 4, 0, 2, 0 };
	struct dev_state saved, bad;

	(void)state;
	assert_int_equal(command(two, 4), VIRTIO_NET_OK);
	assert_int_equal(dev_state_save(TAP, &saved), 0);
	reg_write(TAP, VIRTIO_MMIO_STATUS, 0);
	settle();
	for (bad = saved, bad.own = 0; bad.own <= N_PAIRS + 1; bad.own += N_PAIRS + 1)
		assert_int_equal(dev_state_restore(TAP, &bad), -EINVAL);
	assert_int_equal(dev_state_restore(TAP, &saved), 0);
	offer_rx(TAP, 1, 20, 30, 1536);
	tap_says(t.tap[1], 78);
	settle();
	expect_frame(1, 1536, 78);
}

static void test_command_without_room_for_an_answer(void **state)
{
	(void)state;
	fake_desc(&t.q[4], 0, TX_DATA, 4, 0, 0);
	fake_offer(&t.q[4], 0);
	driver_notify(TAP, 4);
	settle();
	expect_needs_reset(TAP, true);
}

/* ---- passt's stream ---- */

static void stream_says(uint32_t len)
{
	uint8_t head[4] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
			    (uint8_t)len };

	assert_int_equal(send(t.stream, head, 4, 0), 4);
	settle(); /* in pieces: it must not matter */
	assert_int_equal(send(t.stream, pattern(), len / 2, 0), len / 2);
	settle();
	assert_int_equal(send(t.stream, pattern() + len / 2, len - len / 2, 0), len - len / 2);
	settle();
}

static void test_stream_both_ways(void **state)
{
	static const struct virtio_net_hdr_v1 h;
	static uint8_t got[70000];

	(void)state;
	bring_up(STREAM, all_features(STREAM), 64);
	offer_rx(STREAM, 0, 0, 64, 4096);
	stream_says(60);
	expect_frame(0, 4096, 60);
	stream_says(65000);
	expect_frame(0, 4096, 65000);
	put_frame(&h, pattern(), 300);
	send_frame(STREAM, 0, 300);
	assert_int_equal(recv(t.stream, got, sizeof(got), 0), 304);
	assert_int_equal(got[2] << 8 | got[3], 300);
	assert_memory_equal(got + 4, pattern(), 300);
}

/* Many frames at once: those that were read ahead come, too. */
static void test_stream_many_small_frames(void **state)
{
	static uint8_t many[200 * 64];
	uint32_t id, used;
	unsigned int n = 0;

	(void)state;
	for (unsigned int i = 0; i < 200; i++)
		many[i * 64 + 3] = 60;
	bring_up(STREAM, all_features(STREAM), 256);
	assert_int_equal(send(t.stream, many, sizeof(many), 0), sizeof(many));
	offer_rx(STREAM, 0, 0, 256, 128);
	while (fake_used(&t.q[0], &id, &used))
		n++;
	assert_int_equal(n, 200);
}

/* A frame for which there are not enough buffers yet. */
static void test_stream_waits_for_buffers(void **state)
{
	(void)state;
	bring_up(STREAM, all_features(STREAM), 64);
	stream_says(5000);
	offer_rx(STREAM, 0, 0, 2, 1000);
	assert_true(nothing_received(0));
	offer_rx(STREAM, 0, 2, 10, 1000);
	expect_frame(0, 1000, 5000);
}

/* The socket is full in the middle of a frame: the rest follows, nothing is mixed up. */
static void test_stream_partial_write(void **state)
{
	static const struct virtio_net_hdr_v1 h;
	static uint8_t got[40 * 60004];
	size_t have = 0;

	(void)state;
	bring_up(STREAM, all_features(STREAM), 64);
	put_frame(&h, pattern(), 60000);
	for (unsigned int i = 0; i < 30; i++)
		send_frame(STREAM, 0, 60000);
	for (unsigned int i = 0; i < 1000 && have < 30ul * 60004; i++) {
		ssize_t n = recv(t.stream, got + have, sizeof(got) - have, 0);

		if (n > 0)
			have += (size_t)n;
		settle();
	}
	assert_int_equal(have, 30 * 60004);
	for (unsigned int i = 0; i < 30; i++) {
		assert_int_equal(got[i * 60004 + 2] << 8 | got[i * 60004 + 3], 60000);
		assert_memory_equal(got + (size_t)i * 60004 + 4, pattern(), 60000);
	}
}

/* A stream that says a length that no frame has ends the link, not the VM. The last with it. */
static void test_stream_lies(void **state)
{
	static const uint8_t head[4] = { 0xff, 0xff, 0xff, 0xff };
	static const struct virtio_net_hdr_v1 h;
	uint32_t id, used;
	uint8_t status;

	(void)state;
	bring_up(STREAM, all_features(STREAM), 64);
	offer_rx(STREAM, 0, 0, 10, 4096);
	assert_int_equal(send(t.stream, head, 4, 0), 4);
	settle();
	mmio_read(STREAM, VIRTIO_MMIO_CONFIG + 6, &status, 1);
	assert_int_equal(status, 0);
	assert_true(reg_read(STREAM, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	put_frame(&h, pattern(), 60);
	send_frame(STREAM, 0, 60);
	assert_true(fake_used(&t.q[1], &id, &used)); /* lost, not stuck */
}

/* ---- link, limits, reset ---- */

static void link_news(uint16_t type, int index, unsigned int flags)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} m = { { .nlmsg_len = sizeof(m), .nlmsg_type = type },
		{ .ifi_index = index, .ifi_flags = flags } };

	assert_int_equal(send(t.watch, &m, sizeof(m), 0), sizeof(m));
	settle();
}

static bool link_is_up(void)
{
	uint8_t status;

	mmio_read(TAP, VIRTIO_MMIO_CONFIG + 6, &status, 1);
	return status & VIRTIO_NET_S_LINK_UP;
}

static void test_link_follows_the_interface(void **state)
{
	static const struct nlmsghdr lying = { .nlmsg_len = 4 }, longer = { .nlmsg_len = 4000 };

	(void)state;
	reg_write(TAP, VIRTIO_MMIO_INTERRUPT_ACK, ~0u);
	link_news(RTM_NEWLINK, 7, IFF_UP);
	assert_false(link_is_up());
	assert_true(reg_read(TAP, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
	link_news(RTM_NEWLINK, 8, IFF_UP | IFF_RUNNING); /* another one */
	assert_false(link_is_up());
	link_news(RTM_NEWLINK, 7, IFF_UP | IFF_RUNNING);
	assert_true(link_is_up());
	link_news(RTM_DELLINK, 7, 0);
	assert_false(link_is_up());
	link_news(RTM_NEWLINK, 7, IFF_UP | IFF_RUNNING);
	send(t.watch, &lying, sizeof(lying), 0);
	send(t.watch, &longer, sizeof(longer), 0);
	send(t.watch, "", 1, 0);
	settle();
	assert_true(link_is_up());
}

static void test_rate_limits(void **state)
{
	static const struct virtio_net_hdr_v1 h;
	static uint8_t sink[2000];
	unsigned int n = 0;
	uint32_t id, used;

	(void)state;
	bring_up(LIMITED, all_features(LIMITED), 64);
	offer_rx(LIMITED, 0, 0, 64, 1536);
	for (unsigned int i = 0; i < 40; i++)
		tap_says(t.limited, 60);
	settle();
	while (fake_used(&t.q[0], &id, &used))
		n++;
	assert_in_range(n, 8, 20); /* a tenth of 100 per second at once */
	usleep(120000);
	settle();
	while (fake_used(&t.q[0], &id, &used))
		n++;
	assert_in_range(n, 18, 40);
	put_frame(&h, pattern(), 600);
	for (n = 0; n < 6; n++)
		send_frame(LIMITED, 0, 600);
	for (n = 0; recv(t.limited, sink, sizeof(sink), 0) > 0;)
		n++;
	assert_in_range(n, 1, 3); /* 1000 bytes at once */
	for (unsigned int i = 0; i < 40 && n < 6; i++) {
		usleep(20000);
		settle();
		while (recv(t.limited, sink, sizeof(sink), 0) > 0)
			n++;
	}
	assert_int_equal(n, 6); /* later, but all of them */
}

static void test_reset_forgets_buffers(void **state)
{
	(void)state;
	offer_rx(TAP, 0, 0, 4, 1536);
	tap_says(t.tap[0], 9000);
	settle();
	bring_up(TAP, all_features(TAP), 64);
	offer_rx(TAP, 0, 0, 8, 1536);
	tap_says(t.tap[0], 61);
	settle();
	expect_frame(0, 1536, 61);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_configuration, setup),
		cmocka_unit_test_setup(test_frames_to_the_guest, setup),
		cmocka_unit_test_setup(test_cve_2020_16843_ring_full, setup),
		cmocka_unit_test_setup(test_long_frame_waits_for_buffers, setup),
		cmocka_unit_test_setup(test_long_frame_is_dropped_in_the_end, setup),
		cmocka_unit_test_setup(test_without_mergeable_buffers, setup),
		cmocka_unit_test_setup(test_receive_buffer_without_room, setup),
		cmocka_unit_test_setup(test_receive_buffer_of_the_wrong_kind, setup),
		cmocka_unit_test_setup(test_frames_from_the_guest, setup),
		cmocka_unit_test_setup(test_bad_headers_are_dropped, setup),
		cmocka_unit_test_setup(test_offloads_must_be_negotiated, setup),
		cmocka_unit_test_setup(test_frame_lengths, setup),
		cmocka_unit_test_setup(test_full_tap_does_not_stall, setup),
		cmocka_unit_test_setup(test_queue_pairs, setup),
		cmocka_unit_test_setup(test_queue_pairs_of_a_template, setup),
		cmocka_unit_test_setup(test_command_without_room_for_an_answer, setup),
		cmocka_unit_test_setup(test_stream_both_ways, setup),
		cmocka_unit_test_setup(test_stream_many_small_frames, setup),
		cmocka_unit_test_setup(test_stream_waits_for_buffers, setup),
		cmocka_unit_test_setup(test_stream_partial_write, setup),
		cmocka_unit_test_setup(test_link_follows_the_interface, setup),
		cmocka_unit_test_setup(test_rate_limits, setup),
		cmocka_unit_test_setup(test_reset_forgets_buffers, setup),
		cmocka_unit_test_setup(test_stream_lies, setup),
	};

	return cmocka_run_group_tests_name("virtio_net", tests, group_setup, group_teardown);
}
